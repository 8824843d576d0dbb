/* Preloaded before CUDA's runtime: appends every copy to the file COPY_LOG, as "kind bytes" (1 to the device, 2 to the host, 3 within). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void note(int kind, size_t bytes) {
  static int file = -1;
  if (file < 0) file = open(getenv("COPY_LOG"), O_WRONLY | O_CREAT | O_APPEND, 0644);
  char line[64];
  int length = snprintf(line, sizeof line, "%d %zu\n", kind, bytes);
  if (write(file, line, length) != length) abort();
}

static void *real(const char *name) {
  void *library = dlopen("libcudart.so.13", RTLD_LAZY | RTLD_NOLOAD);
  if (!library) library = dlopen("libcudart.so.12", RTLD_LAZY | RTLD_NOLOAD);
  return dlsym(library, name);
}

int cudaMemcpyAsync(void *to, const void *from, size_t bytes, int kind, void *stream) {
  note(kind, bytes);
  int (*copy)(void *, const void *, size_t, int, void *) = real("cudaMemcpyAsync");
  return copy(to, from, bytes, kind, stream);
}

int cudaMemcpy(void *to, const void *from, size_t bytes, int kind) {
  note(kind, bytes);
  int (*copy)(void *, const void *, size_t, int) = real("cudaMemcpy");
  return copy(to, from, bytes, kind);
}
