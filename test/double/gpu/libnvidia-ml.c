/* A stand-in for NVML. DOUBLE_NVML: one line per GPU, "uuid totalMiB freeMiB processes slices name"; a GPU with slices is cut,
   and its slices are the lines of DOUBLE_NVML_SLICES. Processes have the numbers 1000, 1001 … and hold 1024 MiB each. */
#include "answers.h"

#define BEGIN(call)                  \
  int code = failure(#call);         \
  if (code) return code;

/* As failure(), for a call about one GPU: "call@0=15" is for the first one alone, "call=15" for all. */
static int failure_at(const char *call, int number) {
  char one[128];
  snprintf(one, sizeof one, "%s@%d", call, number);
  int code = failure(one);
  return code ? code : failure(call);
}

#define BEGIN_AT(call, handle)                       \
  int code = failure_at(#call, (int)(handle) - 1);   \
  if (code) return code;

struct device { char uuid[96], name[128]; unsigned long long total, free; int processes, slices; };

/* Handles are addresses: number + 1 for GPUs, number + 1001 for slices. */
static struct device read_device(size_t handle) {
  char text[512];
  struct device d = {0};
  int slice = handle > 1000;
  line(slice ? "DOUBLE_NVML_SLICES" : "DOUBLE_NVML", (int)(handle - (slice ? 1001 : 1)), text, sizeof text);
  sscanf(text, "%95s %llu %llu %d %d %127[^\n]", d.uuid, &d.total, &d.free, &d.processes, &d.slices, d.name);
  return d;
}

int nvmlInit_v2(void) { BEGIN(nvmlInit_v2) return 0; }
int nvmlShutdown(void) { return 0; }
const char *nvmlErrorString(int code) { return code == 9 ? "Driver Not Loaded" : "Unknown Error"; }
int nvmlDeviceGetCount_v2(unsigned *out) { BEGIN(nvmlDeviceGetCount_v2) *out = lines("DOUBLE_NVML"); return 0; }

int nvmlSystemGetDriverVersion(char *out, unsigned size) {
  BEGIN(nvmlSystemGetDriverVersion)
  snprintf(out, size, "%s", answer("DOUBLE_DRIVER"));
  return 0;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, size_t *out) {
  BEGIN_AT(nvmlDeviceGetHandleByIndex_v2, index + 1)
  *out = index + 1;
  return 0;
}

int nvmlDeviceGetUUID(size_t device, char *out, unsigned size) {
  BEGIN_AT(nvmlDeviceGetUUID, device)
  snprintf(out, size, "%s", read_device(device).uuid);
  return 0;
}

int nvmlDeviceGetName(size_t device, char *out, unsigned size) {
  BEGIN_AT(nvmlDeviceGetName, device)
  snprintf(out, size, "%s", read_device(device).name);
  return 0;
}

int nvmlDeviceGetMemoryInfo(size_t device, unsigned long long *out) {
  BEGIN_AT(nvmlDeviceGetMemoryInfo, device)
  struct device d = read_device(device);
  out[0] = d.total << 20;
  out[1] = d.free << 20;
  out[2] = (d.total - d.free) << 20;
  return 0;
}

int nvmlDeviceGetMigMode(size_t device, unsigned *current, unsigned *pending) {
  BEGIN(nvmlDeviceGetMigMode)
  *current = *pending = read_device(device).slices > 0;
  return 0;
}

/* One slot more than there are slices: the first one is empty. */
int nvmlDeviceGetMaxMigDeviceCount(size_t device, unsigned *out) { *out = read_device(device).slices + 1; return 0; }

int nvmlDeviceGetMigDeviceHandleByIndex(size_t device, unsigned slot, size_t *out) {
  (void)device;
  if (slot == 0) return 6;
  *out = 1000 + slot;
  return 0;
}

struct process { unsigned pid; unsigned long long bytes; unsigned slice, instance; };

int nvmlDeviceGetComputeRunningProcesses_v3(size_t device, unsigned *count, struct process *out) {
  BEGIN(nvmlDeviceGetComputeRunningProcesses_v3)
  unsigned running = read_device(device).processes, room = *count;
  *count = running;
  if (running > room) return 7;
  for (unsigned i = 0; i < running; i++) {
    out[i].pid = 1000 + i;
    /* The last of several does not tell. */
    out[i].bytes = i > 0 && i == running - 1 ? ~0ull : 1024ull << 20;
  }
  return 0;
}
