/* cuBLAS and cuBLASLt: products are only counted. On a device that has gone all that they know is that execution failed. */
#include "standin.h"
#include <stdlib.h>
#include <string.h>

enum { ALLOC_FAILED = 3, EXECUTION_FAILED = 13 };
static int handle(void **out) { *out = malloc(64); return 0; }
static int product(const char *name) {
  if (!standin_alive()) return EXECUTION_FAILED;
  int status = standin_fails("cublas");
  if (status == OK) standin_tell("product %s", name);
  return status;
}
#define PRODUCT(name) int name() { return product(#name); }

int cublasCreate_v2(void **out) {
  int status = standin_fails("cublasCreate");
  return status == OK ? handle(out) : status;
}
const char *cublasGetStatusName(int code) {
  return code == ALLOC_FAILED ? "CUBLAS_STATUS_ALLOC_FAILED" : code == EXECUTION_FAILED ? "CUBLAS_STATUS_EXECUTION_FAILED" : "stand-in";
}
const char *cublasGetStatusString(int code) { return cublasGetStatusName(code); }
PRODUCT(cublasGemmEx)
PRODUCT(cublasGemmStridedBatchedEx)
PRODUCT(cublasSgemm_v2)
PRODUCT(cublasSgemmStridedBatched)

int cublasLtCreate(void **out) { return handle(out); }
int cublasLtMatmulDescCreate(void **out) { return handle(out); }
int cublasLtMatrixLayoutCreate(void **out) { return handle(out); }
int cublasLtMatmulPreferenceCreate(void **out) { return handle(out); }
int cublasLtMatrixTransformDescCreate(void **out) { return handle(out); }
PRODUCT(cublasLtMatmul)
int cublasLtMatmulAlgoGetHeuristic(void *lt, void *d, void *a, void *b, void *c, void *o, void *p, int asked, char *results, int *found) {
  memset(results, 0, 96);
  *found = 1;
  return 0;
}
