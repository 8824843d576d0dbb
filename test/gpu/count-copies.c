/* Preloaded before CUDA's runtime: appends every copy that the provider asks of it to the file COPY_LOG, by whose memory it is from and to:
     provider <copy or rows> <from> <to> <bytes>
   where a place is a device's number, or -1 for this process's own memory. Nothing that is looked up in the runtime's library itself comes
   by here, as the runner's own copies do not: those are counted where they are made. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void *real(const char *name) {
  static void *library;
  if (!library) library = dlopen("libcudart.so.13", RTLD_LAZY | RTLD_NOLOAD);
  return dlsym(library, name);
}

/* Type, device and two addresses; CUDA 13 has eight words in reserve. */
typedef struct { int type, device; void *rest[10]; } attributes;
enum { OF_DEVICE = 2, MANAGED = 3 };

static int owner(const void *address) {
  attributes found = {0, -1};
  int (*ask)(attributes *, const void *) = real("cudaPointerGetAttributes");
  return ask(&found, address) == 0 && (found.type == OF_DEVICE || found.type == MANAGED) ? found.device : -1;
}

static void note(const char *how, const void *from, const void *to, size_t bytes) {
  static int file = -1;
  if (bytes == 0) return;
  if (file < 0) file = open(getenv("COPY_LOG"), O_WRONLY | O_CREAT | O_APPEND, 0644);
  char line[96];
  int length = snprintf(line, sizeof line, "provider %s %d %d %zu\n", how, owner(from), owner(to), bytes);
  if (write(file, line, length) != length) abort();
}

int cudaMemcpyAsync(void *to, const void *from, size_t bytes, int kind, void *stream) {
  note("copy", from, to, bytes);
  int (*copy)(void *, const void *, size_t, int, void *) = real("cudaMemcpyAsync");
  return copy(to, from, bytes, kind, stream);
}

int cudaMemcpy(void *to, const void *from, size_t bytes, int kind) {
  note("copy", from, to, bytes);
  int (*copy)(void *, const void *, size_t, int) = real("cudaMemcpy");
  return copy(to, from, bytes, kind);
}

int cudaMemcpy2DAsync(void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width, size_t height, int kind, void *stream) {
  note("rows", from, to, width * height);
  int (*copy)(void *, size_t, const void *, size_t, size_t, size_t, int, void *) = real("cudaMemcpy2DAsync");
  return copy(to, to_pitch, from, from_pitch, width, height, kind, stream);
}

/* A symbol is a variable of the device that is current; its address here is not where it lies. */
int cudaMemcpyFromSymbol(void *to, const void *symbol, size_t bytes, size_t offset, int kind) {
  int (*address_of)(void **, const void *) = real("cudaGetSymbolAddress");
  int (*copy)(void *, const void *, size_t, size_t, int) = real("cudaMemcpyFromSymbol");
  void *from = 0;
  if (address_of && address_of(&from, symbol) == 0) note("copy", from, to, bytes);
  return copy(to, symbol, bytes, offset, kind);
}
