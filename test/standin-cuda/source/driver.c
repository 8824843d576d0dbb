/* The driver's library. The provider is linked to one function of it, which only newer kernels call; the others say what devices there are. */
#include "standin.h"
#include <stdio.h>
#include <string.h>

int cuTensorMapEncodeTiled() { return 0; }

int cuInit(unsigned flags) { return OK; }
int cuDriverGetVersion(int *out) { *out = 13000; return OK; }
int cuDeviceGetCount(int *out) { *out = DEVICES; return OK; }
int cuDeviceGet(int *out, int number) { *out = number; return number < DEVICES ? OK : BAD_DEVICE; }
int cuDeviceGetName(char *out, int size, int device) { snprintf(out, size, "stand-in %d", device); return OK; }
int cuDeviceTotalMem_v2(size_t *out, int device) { *out = DEVICE_BYTES; return OK; }
int cuDeviceCanAccessPeer(int *out, int device, int peer) { *out = device != peer; return OK; }

int cuDeviceGetUuid_v2(unsigned char *out, int device) {
  memset(out, 0, 16);
  out[15] = device;
  return OK;
}

/* 75 and 76: both halves of the compute capability. */
int cuDeviceGetAttribute(int *out, int attribute, int device) { *out = attribute == 75 ? CAPABILITY : 0; return OK; }
