/* Memory of the devices: real memory of this process, zero when it is new, so that what nobody computes is at least finite. */
#include "standin.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct piece { char *start; size_t size; int device; struct piece *next; };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct piece *pieces;
static long long live[DEVICES];

static void *take(size_t size) { return aligned_alloc(256, (size + 511) / 256 * 256); }

static int allocate(void **out, size_t size) {
  *out = 0;
  if (alive()) return LOST;
  long long limit = number_for("STANDIN_CUDA_LIMIT", current);
  long long most = number_for("STANDIN_CUDA_HANG", current);
  while (most >= 0 && live[current] >= most) sleep(1000);
  pthread_mutex_lock(&mutex);
  if (limit >= 0 && live[current] + (long long)size > limit) {
    pthread_mutex_unlock(&mutex);
    standin_tell("full %zu", size);
    return OUT_OF_MEMORY;
  }
  struct piece *piece = malloc(sizeof *piece);
  *piece = (struct piece){take(size), size, current, pieces};
  memset(piece->start, 0, size);
  pieces = piece;
  live[current] += size;
  pthread_mutex_unlock(&mutex);
  standin_tell("allocate %zu live %lld", size, live[current]);
  *out = piece->start;
  return OK;
}

static int release(void *address) {
  if (!address) return OK;
  pthread_mutex_lock(&mutex);
  struct piece **at = &pieces;
  while (*at && (*at)->start != address) at = &(*at)->next;
  struct piece *piece = *at;
  if (!piece) {
    pthread_mutex_unlock(&mutex);
    return 1;
  }
  *at = piece->next;
  live[piece->device] -= piece->size;
  pthread_mutex_unlock(&mutex);
  standin_tell("free %zu of %d", piece->size, piece->device);
  free(piece->start);
  free(piece);
  return OK;
}

int owner(const void *address) {
  pthread_mutex_lock(&mutex);
  struct piece *piece = pieces;
  while (piece && ((const char *)address < piece->start || (const char *)address >= piece->start + piece->size)) piece = piece->next;
  int device = piece ? piece->device : HOST;
  pthread_mutex_unlock(&mutex);
  return device;
}

/* Says where from and where to by whose memory it is, not by what the caller claims. */
static int copy(void *to, const void *from, size_t size, const char *how) {
  if (alive()) return LOST;
  memmove(to, from, size);
  if (size > 0) standin_tell("copy %d to %d bytes %zu %s", owner(from), owner(to), size, how);
  return OK;
}

int cudaMalloc(void **out, size_t size) { return allocate(out, size); }
int cudaFree(void *address) { return release(address); }
int cudaMallocFromPoolAsync(void **out, size_t size, void *pool, void *stream) { return allocate(out, size); }
int cudaFreeAsync(void *address, void *stream) { return release(address); }
int cudaMemPoolCreate(void **out, void *properties) { *out = malloc(8); return OK; }
int cudaMallocHost(void **out, size_t size) { *out = take(size); return OK; }
int cudaHostAlloc(void **out, size_t size, unsigned flags) { *out = take(size); return OK; }
int cudaFreeHost(void *address) { free(address); return OK; }
int cudaMemcpy(void *to, const void *from, size_t size, int kind) { return copy(to, from, size, "whole"); }
int cudaMemcpyAsync(void *to, const void *from, size_t size, int kind, void *stream) { return copy(to, from, size, "stream"); }

int cudaMemcpyPeerAsync(void *to, int to_device, const void *from, int from_device, size_t size, void *stream) {
  if (owner(to) != to_device || owner(from) != from_device) return 1;
  return copy(to, from, size, "peer");
}

int cudaMemcpy2DAsync(char *to, size_t to_pitch, const char *from, size_t from_pitch, size_t width, size_t height, int kind, void *stream) {
  if (alive()) return LOST;
  for (size_t row = 0; row < height; row++) memmove(to + row * to_pitch, from + row * from_pitch, width);
  standin_tell("copy %d to %d bytes %zu rows", owner(from), owner(to), width * height);
  return OK;
}

/* type (0 no memory that CUDA knows, 2 a device's), device, and the address as the device and as the host see it. */
int cudaPointerGetAttributes(void *out, const void *address) {
  int device = owner(address);
  memset(out, 0, 88);
  *(int *)out = device == HOST ? 0 : 2;
  *((int *)out + 1) = device;
  *((const void **)out + 1) = device == HOST ? 0 : address;
  *((const void **)out + 2) = device == HOST ? address : 0;
  return OK;
}

int cudaMemset(void *to, int value, size_t size) {
  memset(to, value, size);
  standin_tell("set %zu", size);
  return alive();
}
int cudaMemsetAsync(void *to, int value, size_t size, void *stream) { return cudaMemset(to, value, size); }
int cudaMemcpyFromSymbol(void *to, const void *symbol, size_t size, size_t offset, int kind) {
  standin_tell("copy of a symbol");
  return alive();
}

int cudaMemGetInfo(size_t *available, size_t *total) {
  *total = DEVICE_BYTES;
  *available = *total - live[current];
  return alive();
}
