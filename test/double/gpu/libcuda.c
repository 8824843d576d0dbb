/* A stand-in for the CUDA driver that can be looked at and nothing else: making a context has no function here, so it fails.
   DOUBLE_CUDA: one line per device, "uuid(32 hex) major minor MiB peers name"; peers is a string of digits, or - for none. */
#include "answers.h"

#define BEGIN(call)                  \
  int code = failure(#call);         \
  if (code) return code;

struct device { char uuid[33], peers[17], name[128]; int major, minor; unsigned long long mebibytes; };

static struct device read_device(int index) {
  char text[512];
  struct device d = {0};
  line("DOUBLE_CUDA", index, text, sizeof text);
  sscanf(text, "%32s %d %d %llu %16s %127[^\n]", d.uuid, &d.major, &d.minor, &d.mebibytes, d.peers, d.name);
  return d;
}

int cuInit(unsigned flags) { (void)flags; BEGIN(cuInit) return 0; }
int cuDriverGetVersion(int *out) { BEGIN(cuDriverGetVersion) *out = atoi(answer("DOUBLE_CUDA_VERSION")); return 0; }
int cuDeviceGetCount(int *out) { BEGIN(cuDeviceGetCount) *out = lines("DOUBLE_CUDA"); return 0; }
/* Handles differ from numbers, so that mixing them up shows. */
int cuDeviceGet(int *out, int index) { BEGIN(cuDeviceGet) *out = index + 100; return 0; }

int cuDeviceGetUuid_v2(unsigned char *out, int device) {
  BEGIN(cuDeviceGetUuid_v2)
  struct device d = read_device(device - 100);
  for (int i = 0; i < 16; i++) sscanf(d.uuid + 2 * i, "%2hhx", out + i);
  return 0;
}

int cuDeviceGetName(char *out, int size, int device) {
  BEGIN(cuDeviceGetName)
  snprintf(out, size, "%s", read_device(device - 100).name);
  return 0;
}

int cuDeviceTotalMem_v2(size_t *out, int device) {
  BEGIN(cuDeviceTotalMem_v2)
  *out = (size_t)read_device(device - 100).mebibytes << 20;
  return 0;
}

int cuDeviceGetAttribute(int *out, int attribute, int device) {
  BEGIN(cuDeviceGetAttribute)
  struct device d = read_device(device - 100);
  if (attribute != 75 && attribute != 76) return 1;
  *out = attribute == 75 ? d.major : d.minor;
  return 0;
}

int cuDeviceCanAccessPeer(int *out, int device, int peer) {
  BEGIN(cuDeviceCanAccessPeer)
  *out = strchr(read_device(device - 100).peers, '0' + peer - 100) != 0;
  return 0;
}

int cuGetErrorName(int code, const char **out) { *out = code == 999 ? "CUDA_ERROR_UNKNOWN" : 0; return *out ? 0 : 1; }
int cuGetErrorString(int code, const char **out) { *out = code == 999 ? "unknown error" : 0; return *out ? 0 : 1; }
