/* Devices, streams and launches. */
#define _GNU_SOURCE
#include "standin.h"
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

__thread int current = 0;
static int launches[DEVICES];

void standin_tell(const char *form, ...) {
  static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  static FILE *log;
  pthread_mutex_lock(&mutex);
  const char *name = getenv("STANDIN_CUDA_LOG");
  if (!log && name) log = fopen(name, "a");
  if (log) {
    va_list list;
    va_start(list, form);
    fprintf(log, "%ld %d ", (long)syscall(SYS_gettid), current);
    vfprintf(log, form, list);
    fputc('\n', log);
    fflush(log);
    va_end(list);
  }
  pthread_mutex_unlock(&mutex);
}

long long number_for(const char *variable, int device) {
  const char *text = getenv(variable);
  int named;
  long long number;
  return text && sscanf(text, "%d:%lld", &named, &number) == 2 && named == device ? number : -1;
}

int alive(void) {
  long long most = number_for("STANDIN_CUDA_LOST", current);
  return most >= 0 && launches[current] > most ? LOST : OK;
}

int standin_alive(void) { return alive() == OK; }

int standin_fails(const char *call) {
  static int calls;
  const char *text = getenv("STANDIN_CUDA_FAIL");
  char named[32];
  int device, after, code;
  if (!text || sscanf(text, "%d:%31[^:]:%d:%d", &device, named, &after, &code) != 4) return OK;
  if (device != current || strcmp(named, call)) return OK;
  return __sync_fetch_and_add(&calls, 1) < after ? OK : code;
}

int cudaGetDeviceCount(int *out) { *out = DEVICES; return OK; }
int cudaGetDevice(int *out) { *out = current; return OK; }

int cudaSetDevice(int device) {
  if (device < 0 || device >= DEVICES) return BAD_DEVICE;
  if (device != current) {
    current = device;
    standin_tell("device");
  }
  return OK;
}

/* Of the fields that the provider reads; at their offsets in CUDA 13. */
int cudaGetDeviceProperties(char *out, int device) {
  memset(out, 0, 1000);
  sprintf(out, "stand-in %d", device);
  *(size_t *)(out + 288) = DEVICE_BYTES;            /* totalGlobalMem */
  *(size_t *)(out + 296) = 48 << 10;                /* sharedMemPerBlock */
  *(int *)(out + 304) = 65536;                      /* regsPerBlock */
  *(int *)(out + 308) = 32;                         /* warpSize */
  *(size_t *)(out + 312) = 1u << 31;                /* memPitch */
  int threads[] = {1024, 1024, 1024, 64, 2147483647, 65535, 65535}; /* per block, then block and grid */
  memcpy(out + 320, threads, sizeof threads);
  *(size_t *)(out + 352) = 64 << 10;                /* totalConstMem */
  *(int *)(out + 360) = CAPABILITY;                 /* major */
  *(size_t *)(out + 368) = 512;                     /* textureAlignment */
  *(int *)(out + 384) = 132;                        /* multiProcessorCount */
  return OK;
}

int cudaDeviceGetAttribute(int *out, int attribute, int device) {
  static const int known[][2] = {{1, 1024}, {8, 48 << 10}, {10, 32}, {16, 132}, {75, CAPABILITY}, {76, 0}, {97, 227 << 10}};
  *out = 1;
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (known[i][0] == attribute) *out = known[i][1];
  return OK;
}

int cudaDeviceCanAccessPeer(int *out, int device, int peer) { *out = device != peer; return OK; }
int cudaDeviceEnablePeerAccess(int peer, unsigned flags) { standin_tell("peer %d", peer); return OK; }
int cudaDriverGetVersion(int *out) { *out = 13000; return OK; }
int cudaRuntimeGetVersion(int *out) { *out = 13000; return OK; }
const char *cudaGetErrorName(int code) { return code == OUT_OF_MEMORY ? "cudaErrorMemoryAllocation" : "cudaErrorLaunchFailure"; }
const char *cudaGetErrorString(int code) { return code == OUT_OF_MEMORY ? "out of memory" : "unspecified launch failure"; }
int cudaGetLastError(void) { return alive(); }
int cudaPeekAtLastError(void) { return alive(); }

/* A stream or an event is a piece of memory with an address of its own. */
static int handle(void **out) { *out = malloc(8); return OK; }
int cudaStreamCreate(void **out) { return handle(out); }
int cudaStreamCreateWithFlags(void **out, unsigned flags) { return handle(out); }
int cudaEventCreate(void **out) { return handle(out); }
int cudaEventCreateWithFlags(void **out, unsigned flags) { return handle(out); }
int cudaEventElapsedTime(float *out, void *from, void *to) { *out = 1; return OK; }
int cudaStreamSynchronize(void *stream) { standin_tell("wait"); return alive(); }
int cudaDeviceSynchronize(void) { standin_tell("wait"); return alive(); }
int cudaStreamQuery(void *stream) { return alive(); }
int cudaStreamIsCapturing(void *stream, int *out) { *out = 0; return OK; }
int cudaLaunchHostFunc(void *stream, void (*function)(void *), void *data) { function(data); return OK; }
int cudaGetDriverEntryPointByVersion(const char *name, void **out, unsigned version, unsigned long long flags, int *found) {
  *out = 0;
  if (found) *found = 1;
  return OK;
}

/* Kernels are known by the address of their host function; the table is open-addressed. */
enum { SLOTS = 1 << 16 };
static struct { const void *function; const char *name; } kernels[SLOTS];
static unsigned slot_of(const void *function) {
  unsigned slot = ((uintptr_t)function >> 4) % SLOTS;
  while (kernels[slot].function && kernels[slot].function != function) slot = (slot + 1) % SLOTS;
  return slot;
}

void **__cudaRegisterFatBinary(void *binary) { static void *handles[4]; return handles; }
int __cudaRegisterFunction(void **binary, const char *function, char *stub, const char *name, int limit, void *a, void *b, void *c, void *d, int *e) {
  unsigned slot = slot_of(function);
  kernels[slot].function = function;
  kernels[slot].name = strdup(name);
  return OK;
}

typedef struct { unsigned x, y, z; } size3;
static int launch(const void *function) {
  const char *name = kernels[slot_of(function)].name;
  __sync_fetch_and_add(&launches[current], 1);
  standin_tell("launch %s", name ? name : "?");
  return alive();
}
int __cudaGetKernel(void **out, const void *function) { *out = (void *)function; return OK; }
int cudaLaunchKernel(const void *function, size3 grid, size3 block, void **arguments, size_t shared, void *stream) { return launch(function); }
int __cudaLaunchKernel(const void *function, size3 grid, size3 block, void **arguments, size_t shared, void *stream) { return launch(function); }
int cudaLaunchCooperativeKernel(const void *function, size3 grid, size3 block, void **arguments, size_t shared, void *stream) { return launch(function); }
int cudaGraphLaunch(void *graph, void *stream) { return launch(graph); }
int cudaLaunchKernelExC(void *settings, const void *function, void **arguments) { return launch(function); }
int cudaFuncGetAttributes(char *out, const void *function) { memset(out, 0, 128); return OK; }
int cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *out) { *out = 2; return OK; }
