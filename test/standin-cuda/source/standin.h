/* A CUDA that computes nothing: it keeps memory, copies bytes, counts, and tells all of it to a log, one line per event:
     <thread> <current device> <event> <numbers>
   STANDIN_CUDA_LOG names the log. STANDIN_CUDA_LIMIT ("3:900000") lets a device have no more bytes than that, STANDIN_CUDA_LOST
   ("5:40") takes one away after so many launches, STANDIN_CUDA_FAIL ("1:cublas:20:3") lets calls of cuBLAS fail on a device after so
   many, with that status: cublas (products) or cublasCreate. STANDIN_CUDA_HANG ("1:0") lets no allocation of a device return once it
   has given so many bytes. */
#include <stddef.h>

enum { DEVICES = 8, HOST = -1, CAPABILITY = 9 };
#define DEVICE_BYTES (80ull << 30)
enum { OK = 0, OUT_OF_MEMORY = 2, BAD_DEVICE = 101, LOST = 719 };

/* The device that calls of this thread are about. */
extern __thread int current;

void standin_tell(const char *form, ...);
/* The number after "device:" in a variable; -1 where it is about another device or not set. */
long long number_for(const char *variable, int device);
/* OK, or LOST where the current device has gone. */
int alive(void);
/* The same for cuBLAS, which has a status of its own for it; and the status that a call of it is to fail with. */
int standin_alive(void);
int standin_fails(const char *call);
/* Whose memory an address lies in: a device, or HOST. */
int owner(const void *address);
