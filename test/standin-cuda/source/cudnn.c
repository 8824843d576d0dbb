/* cuDNN: its functions are found by name when the first of them is needed. Every one succeeds and does nothing; what asks a
   graph's engines for plans is told of one that needs no memory. */
#include <stdint.h>
#include <stdlib.h>

#define DOES_NOTHING(name) int name() { return 0; }

DOES_NOTHING(cudnnActivationForward)
DOES_NOTHING(cudnnAddTensor)
DOES_NOTHING(cudnnBackendDestroyDescriptor)
DOES_NOTHING(cudnnBackendFinalize)
DOES_NOTHING(cudnnBackendSetAttribute)
DOES_NOTHING(cudnnBatchNormalizationForwardInference)
DOES_NOTHING(cudnnBatchNormalizationForwardTraining)
DOES_NOTHING(cudnnConvolutionBiasActivationForward)
DOES_NOTHING(cudnnConvolutionForward)
DOES_NOTHING(cudnnCreateActivationDescriptor)
DOES_NOTHING(cudnnCreateConvolutionDescriptor)
DOES_NOTHING(cudnnCreateDropoutDescriptor)
DOES_NOTHING(cudnnCreateFilterDescriptor)
DOES_NOTHING(cudnnCreateLRNDescriptor)
DOES_NOTHING(cudnnCreatePoolingDescriptor)
DOES_NOTHING(cudnnCreateRNNDataDescriptor)
DOES_NOTHING(cudnnCreateRNNDescriptor)
DOES_NOTHING(cudnnCreateReduceTensorDescriptor)
DOES_NOTHING(cudnnCreateTensorDescriptor)
DOES_NOTHING(cudnnDeriveBNTensorDescriptor)
DOES_NOTHING(cudnnDestroy)
DOES_NOTHING(cudnnDestroyActivationDescriptor)
DOES_NOTHING(cudnnDestroyConvolutionDescriptor)
DOES_NOTHING(cudnnDestroyDropoutDescriptor)
DOES_NOTHING(cudnnDestroyFilterDescriptor)
DOES_NOTHING(cudnnDestroyLRNDescriptor)
DOES_NOTHING(cudnnDestroyPoolingDescriptor)
DOES_NOTHING(cudnnDestroyRNNDataDescriptor)
DOES_NOTHING(cudnnDestroyRNNDescriptor)
DOES_NOTHING(cudnnDestroyReduceTensorDescriptor)
DOES_NOTHING(cudnnDestroyTensorDescriptor)
DOES_NOTHING(cudnnDropoutGetStatesSize)
DOES_NOTHING(cudnnFindConvolutionForwardAlgorithmEx)
DOES_NOTHING(cudnnGetConvolutionForwardAlgorithm_v7)
DOES_NOTHING(cudnnGetConvolutionForwardWorkspaceSize)
DOES_NOTHING(cudnnGetRNNTempSpaceSizes)
DOES_NOTHING(cudnnGetRNNWeightParams)
DOES_NOTHING(cudnnGetReductionIndicesSize)
DOES_NOTHING(cudnnGetReductionWorkspaceSize)
DOES_NOTHING(cudnnGetStream)
DOES_NOTHING(cudnnGetTensorNdDescriptor)
DOES_NOTHING(cudnnLRNCrossChannelForward)
DOES_NOTHING(cudnnPoolingForward)
DOES_NOTHING(cudnnRNNForward)
DOES_NOTHING(cudnnReduceTensor)
DOES_NOTHING(cudnnSetActivationDescriptor)
DOES_NOTHING(cudnnSetConvolutionGroupCount)
DOES_NOTHING(cudnnSetConvolutionMathType)
DOES_NOTHING(cudnnSetConvolutionNdDescriptor)
DOES_NOTHING(cudnnSetDropoutDescriptor)
DOES_NOTHING(cudnnSetFilterNdDescriptor)
DOES_NOTHING(cudnnSetLRNDescriptor)
DOES_NOTHING(cudnnSetPoolingNdDescriptor)
DOES_NOTHING(cudnnSetRNNDataDescriptor)
DOES_NOTHING(cudnnSetRNNDescriptor_v8)
DOES_NOTHING(cudnnSetReduceTensorDescriptor)
DOES_NOTHING(cudnnSetStream)
DOES_NOTHING(cudnnSetTensorNdDescriptor)
DOES_NOTHING(cudnnSoftmaxForward)

size_t cudnnGetVersion() { return 91300; }
int cudnnCreate(void **out) { *out = malloc(64); return 0; }
const char *cudnnGetErrorString(int code) { return "stand-in"; }
void cudnnGetLastErrorString(char *out, size_t size) { if (size) *out = 0; }

void standin_tell(const char *form, ...);
int cudnnBackendCreateDescriptor(int type, void **out) { *out = calloc(1, 64); return 0; }
int cudnnBackendExecute() { standin_tell("product cudnn"); return 0; }

enum { HEURISTIC_RESULTS = 202, CONFIGURATION_WORKSPACE = 303, CONFIGURATION_SHARED = 304, PLAN_WORKSPACE = 402 };
int cudnnBackendGetAttribute(void *descriptor, int name, int type, int64_t asked, int64_t *count, void *out) {
  int is_workspace = name == CONFIGURATION_WORKSPACE || name == PLAN_WORKSPACE;
  int is_shared = name == CONFIGURATION_SHARED;
  if (count) *count = name == HEURISTIC_RESULTS || is_workspace || is_shared;
  if (is_workspace && out) *(int64_t *)out = 0;
  if (is_shared && out) *(int32_t *)out = 0;
  return 0;
}
