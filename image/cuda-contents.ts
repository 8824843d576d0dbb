/**
 * What the CUDA build has on top of the runner's image: ONNX Runtime's CUDA provider and the CUDA libraries that it
 * needs, each from one wheel of the Python package index whose bytes are pinned. Nothing of Python itself comes along.
 */

export interface Wheel {
  readonly name: string;
  readonly version: string;
  /** Of the whole wheel, in hexadecimal. */
  readonly sha256: string;
  /** Folder of the image that the files go to. */
  readonly target: string;
  /** Paths inside the wheel. */
  readonly files: readonly string[];
  /** Texts inside the wheel that must go with its files; they land below `/usr/share/licenses`, in a folder of the wheel's name. */
  readonly licences: readonly string[];
  /** Path inside the wheel of a library that says which build of ONNX Runtime the files are of; it stays behind. */
  readonly witness?: string;
}

/** Where the loader finds the CUDA libraries in the image. */
export const CUDA_FOLDER = '/opt/cuda/lib';
/** The runtime looks for its providers beside its own library. */
export const RUNTIME_FOLDER = '/app/node_modules/onnxruntime-node/bin/napi-v6/linux/x64';
export const LICENCE_FOLDER = '/usr/share/licenses';

const cuda13 = (name: string, version: string, sha256: string, libraries: readonly string[]): Wheel => ({
  name,
  version,
  sha256,
  target: CUDA_FOLDER,
  files: libraries.map((library) => `nvidia/cu13/lib/${library}`),
  licences: [`${name.replaceAll('-', '_')}-${version}.dist-info/licenses/License.txt`],
});

/**
 * The versions that PyTorch 2.11.0+cu130 asks for, with whose libraries the graphs ran on GPUs (docs/gpu.md). nvBLAS,
 * nvRTC's second build and the FFT library, which the provider opens for Fourier transforms alone, stay away.
 */
export const cudaWheels: readonly Wheel[] = [
  {
    name: 'onnxruntime-gpu',
    version: '1.30.0',
    sha256: '6acc0f4b3d5ac5f2984432faa59dd8fcce6775f8b43a7140afa0f322c7a703b1',
    target: RUNTIME_FOLDER,
    files: ['onnxruntime/capi/libonnxruntime_providers_cuda.so', 'onnxruntime/capi/libonnxruntime_providers_shared.so'],
    licences: ['onnxruntime/LICENSE', 'onnxruntime/ThirdPartyNotices.txt'],
    // The provider itself does not say what it was built from.
    witness: 'onnxruntime/capi/libonnxruntime.so.1.30.0',
  },
  cuda13('nvidia-cuda-runtime', '13.0.96', '7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548', [
    'libcudart.so.13',
  ]),
  cuda13('nvidia-cublas', '13.1.0.3', 'ee8722c1f0145ab246bccb9e452153b5e0515fd094c3678df50b2a0888b8b171', [
    'libcublas.so.13',
    'libcublasLt.so.13',
  ]),
  cuda13('nvidia-curand', '10.4.0.35', '1aee33a5da6e1db083fe2b90082def8915f30f3248d5896bcec36a579d941bfc', [
    'libcurand.so.10',
  ]),
  cuda13('nvidia-cuda-nvrtc', '13.0.88', 'ad9b6d2ead2435f11cbb6868809d2adeeee302e9bb94bcf0539c7a40d80e8575', [
    'libnvrtc.so.13',
    'libnvrtc-builtins.so.13.0',
  ]),
  {
    name: 'nvidia-cudnn-cu13',
    version: '9.19.0.56',
    sha256: 'd20e1734305e9d68889a96e3f35094d733ff1f83932ebe462753973e53a572bf',
    target: CUDA_FOLDER,
    files: [
      'nvidia/cudnn/lib/libcudnn.so.9',
      'nvidia/cudnn/lib/libcudnn_adv.so.9',
      'nvidia/cudnn/lib/libcudnn_cnn.so.9',
      'nvidia/cudnn/lib/libcudnn_engines_precompiled.so.9',
      'nvidia/cudnn/lib/libcudnn_engines_runtime_compiled.so.9',
      'nvidia/cudnn/lib/libcudnn_graph.so.9',
      'nvidia/cudnn/lib/libcudnn_heuristic.so.9',
      'nvidia/cudnn/lib/libcudnn_ops.so.9',
    ],
    licences: ['nvidia_cudnn_cu13-9.19.0.56.dist-info/licenses/License.txt'],
  },
];

/** Libraries that a library opens by itself while it runs, so that its own list of needed ones does not name them. */
export const openedWhileRunning: Readonly<Record<string, readonly string[]>> = {
  'libonnxruntime.so.1': ['libonnxruntime_providers_shared.so', 'libonnxruntime_providers_cuda.so'],
  'libonnxruntime_providers_cuda.so': ['libcudnn.so.9'],
  'libcudnn.so.9': ['libcudnn_graph.so.9', 'libcudnn_ops.so.9', 'libcudnn_cnn.so.9', 'libcudnn_adv.so.9'],
  'libcudnn_graph.so.9': [
    'libcudnn_heuristic.so.9',
    'libcudnn_engines_precompiled.so.9',
    'libcudnn_engines_runtime_compiled.so.9',
    // Kernels that are compiled for the card at their first use, attention on Hopper among them.
    'libnvrtc.so.13',
  ],
  'libnvrtc.so.13': ['libnvrtc-builtins.so.13.0'],
};

/** Libraries that NVIDIA's container toolkit lays into the container: they belong to the node's driver. */
export const fromDriver = ['libcuda.so.1'] as const;

/** What the loader, NVIDIA's container toolkit and its device plugins read. */
export const cudaEnvironment = [
  // Some clusters mount the driver's libraries at the first two instead of telling the loader's cache.
  `LD_LIBRARY_PATH=/usr/local/nvidia/lib:/usr/local/nvidia/lib64:${CUDA_FOLDER}`,
  'NVIDIA_VISIBLE_DEVICES=all',
  'NVIDIA_DRIVER_CAPABILITIES=compute,utility',
  'NVIDIA_REQUIRE_CUDA=cuda>=13.0',
] as const;
