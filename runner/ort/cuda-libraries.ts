/** The runtime's CUDA part: files of the same build, beside the runtime's library. The first one joins the second to the runtime. */
export const PROVIDER_FILES = ['libonnxruntime_providers_shared.so', 'libonnxruntime_providers_cuda.so'] as const;
/** CUDA 13 libraries that the CUDA part is linked to; the last one it opens itself, at the first convolution. */
export const CUDA_LIBRARIES = [
  'libcudart.so.13',
  'libcublas.so.13',
  'libcublasLt.so.13',
  'libcurand.so.10',
  'libcudnn.so.9',
] as const;
