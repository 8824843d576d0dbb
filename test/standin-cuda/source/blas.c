/* cuBLAS and cuBLASLt: products are only counted. */
#include <stdlib.h>
#include <string.h>

void standin_tell(const char *form, ...);
static int handle(void **out) { *out = malloc(64); return 0; }
#define PRODUCT(name) int name() { standin_tell("product " #name); return 0; }

int cublasCreate_v2(void **out) { return handle(out); }
const char *cublasGetStatusString(int code) { return "stand-in"; }
const char *cublasGetStatusName(int code) { return "stand-in"; }
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
