/* The types of NVIDIA's management library as far as the simulator fills them.

Written from the documentation, https://docs.nvidia.com/deploy/nvml-api/, and from what pynvml
declares. test_struct_sizes.py compares every size and place with NVIDIA's own header; compiled with
-DNVML_HEADER, the simulator is checked against that header instead, signatures included.
*/
#ifdef NVML_HEADER
/* Else the header renames every function to its newest version. */
#define NVML_NO_UNVERSIONED_FUNC_DEFS
#include NVML_HEADER
#else

typedef unsigned nvmlReturn_t;
typedef struct nvmlDevice_st *nvmlDevice_t;

typedef struct {
    unsigned long long total, free, used;
} nvmlMemory_t;

typedef struct {
    unsigned version;
    unsigned long long total, reserved, free, used;
} nvmlMemory_v2_t;

typedef struct {
    unsigned long long bar1Total, bar1Free, bar1Used;
} nvmlBAR1Memory_t;

/* Each version of a process entry begins like the one before it. */
typedef struct {
    unsigned pid;
    unsigned long long usedGpuMemory;
} nvmlProcessInfo_v1_t;

typedef struct {
    unsigned pid;
    unsigned long long usedGpuMemory;
    unsigned gpuInstanceId, computeInstanceId;
} nvmlProcessInfo_v2_t;

/* What the _v3 functions fill. The first R535 drivers had entries of 32 bytes, and later ones are
   back at 24 under the same function names, so that a program cannot know which it gets. */
typedef struct {
    unsigned pid;
    unsigned long long usedGpuMemory;
    unsigned gpuInstanceId, computeInstanceId;
#if DRIVER == 535
    unsigned long long usedGpuCcProtectedMemory;
#endif
} nvmlProcessInfo_t;

typedef struct {
    char busIdLegacy[16];
    unsigned domain, bus, device, pciDeviceId, pciSubSystemId;
    char busId[32];
} nvmlPciInfo_t;

typedef struct {
    unsigned multiprocessorCount, sharedCopyEngineCount, sharedDecoderCount, sharedEncoderCount;
    unsigned sharedJpegCount, sharedOfaCount, gpuInstanceSliceCount, computeInstanceSliceCount;
    unsigned long long memorySizeMB;
} nvmlDeviceAttributes_t;

typedef struct {
    unsigned gpu, memory;
} nvmlUtilization_t;

typedef struct {
    unsigned version, sensorType;
    int temperature;
} nvmlTemperature_t;

typedef struct {
    unsigned version, value;
} nvmlDeviceAddressingMode_t;

typedef union {
    double dVal;
    unsigned uiVal;
    unsigned long long ullVal;
} nvmlValue_t;

typedef struct {
    unsigned fieldId, scopeId;
    long long timestamp, latencyUsec;
    unsigned valueType;
    nvmlReturn_t nvmlReturn;
    nvmlValue_t value;
} nvmlFieldValue_t;

/* Never filled: the functions that take them give errors only. */
typedef struct nvmlProcessUtilizationSample nvmlProcessUtilizationSample_t;
typedef struct nvmlConfComputeMemSizeInfo nvmlConfComputeMemSizeInfo_t;
typedef struct nvmlProcessDetailList nvmlProcessDetailList_t;

#endif
