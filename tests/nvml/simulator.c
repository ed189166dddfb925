/* A libnvidia-ml.so.1 that answers from a scenario file: NVIDIA's management library without a GPU.

The real pynvml loads it, so that what is tested is what runs beside a real driver: the layout of
structs, missing symbols, error codes, time. simulator.py describes the scenario language, compiles
this file, and checks scenarios. Every call reads the file anew: a test may replace it meanwhile.

-DDRIVER=440, 535 or 580 says which driver's symbols there are.
*/
#include <stddef.h>
#include <stdint.h>

#include "nvml_types.h"
#include "scenario.h"

/* NVML's return codes; no enum, for its header has one. */
#define OK 0
#define UNINITIALIZED 1
#define INVALID_ARGUMENT 2
#define NOT_SUPPORTED 3
#define NOT_FOUND 6
#define INSUFFICIENT_SIZE 7
#define VERSION_MISMATCH 25

#define RECOVERY_ACTION 230 /* the one field that a scenario can give */

#define NOT_AVAILABLE (~0ULL) /* NVML's "not known" */
#define NO_INSTANCE 0xFFFFFFFFu
#define MOST_DEVICES 64
#define MOST_PARTS 7

static int started; /* how often nvmlInit was called more than nvmlShutdown */

/* ---- Devices ------------------------------------------------------------------------------ */

/* A handle is a pointer that programs only pass back: here 0x0300 is GPU 2, 0x0301 its part 0. */
static nvmlDevice_t handle_of(unsigned gpu, unsigned part_plus_one)
{
    return (nvmlDevice_t)(uintptr_t)((gpu + 1) << 8 | part_plus_one);
}

static unsigned gpu_of(nvmlDevice_t device)
{
    return ((uintptr_t)device >> 8) - 1;
}

static unsigned part_plus_one_of(nvmlDevice_t device)
{
    return (uintptr_t)device & 0xff;
}

/* As scenarios call it, "2" or "2/0"; NULL for what is no handle. */
static const char *name_of(nvmlDevice_t device)
{
    static _Thread_local char name[32];
    unsigned gpu = gpu_of(device), part = part_plus_one_of(device);
    if (gpu >= MOST_DEVICES || part > MOST_PARTS)
        return NULL;
    snprintf(name, sizeof name, part ? "%u/%u" : "%u", gpu, part - 1);
    return name;
}

/* What a call of no device gives; `otherwise` where the scenario does not say. */
static unsigned ask_system(const char *symbol, const char *selector, unsigned otherwise,
                           char **values)
{
    unsigned code = ask(symbol, "", selector, values);
    return code == NO_ENTRY ? otherwise : code;
}

/* What a call of one device gives; `otherwise` where the scenario does not say. */
static unsigned ask_device(const char *symbol, nvmlDevice_t device, const char *selector,
                           unsigned otherwise, char **values)
{
    const char *name = name_of(device);
    if (!started)
        return UNINITIALIZED;
    if (!name)
        return INVALID_ARGUMENT;
    unsigned code = ask(symbol, name, selector, values);
    return code == NO_ENTRY ? otherwise : code;
}

static unsigned ask_numbers(const char *symbol, nvmlDevice_t device, const char *selector,
                            int wanted, number *found)
{
    char *values;
    unsigned code = ask_device(symbol, device, selector, NOT_SUPPORTED, &values);
    if (code == OK && read_numbers(values, found) < wanted)
        fail("too few values", symbol);
    return code;
}

/* As many GPUs as the scenario names, if it gives no count. */
static unsigned count_devices(unsigned *count)
{
    char *values;
    unsigned code = ask_system("nvmlDeviceGetCount_v2", "", NO_ENTRY, &values);
    *count = code == OK ? read_number(values, &values) : 0;
    for (int i = 0; code == NO_ENTRY && i < entry_count; i++)
        if (strcspn(entries[i].device, "*") && atoi(entries[i].device) >= (int)*count)
            *count = atoi(entries[i].device) + 1;
    return code == NO_ENTRY ? OK : code;
}

/* ---- Forms that most functions have ------------------------------------------------------- */

/* Begins a function: its values are in `found`, or it has returned. */
#define NUMBERS(wanted, selector) \
    number found[MOST_VALUES] = {0}; \
    unsigned error = ask_numbers(__func__, device, selector, wanted, found); \
    if (error) \
        return error;

#define NUMBER(name, type) \
    nvmlReturn_t name(nvmlDevice_t device, type *value) \
    { \
        NUMBERS(1, "") \
        *value = found[0]; \
        return OK; \
    }
#define PAIR(name, type) \
    nvmlReturn_t name(nvmlDevice_t device, type *first, type *second) \
    { \
        NUMBERS(2, "") \
        *first = found[0]; \
        *second = found[1]; \
        return OK; \
    }
#define SELECTED(name, ...) \
    nvmlReturn_t name(nvmlDevice_t device, unsigned which, unsigned *value) \
    { \
        static const char *const selectors[] = {__VA_ARGS__}; \
        if (which >= sizeof selectors / sizeof *selectors) \
            return INVALID_ARGUMENT; \
        NUMBERS(1, selectors[which]) \
        *value = found[0]; \
        return OK; \
    }
#define TEXT(name) \
    nvmlReturn_t name(nvmlDevice_t device, char *text, unsigned size) \
    { \
        char *values; \
        unsigned code = ask_device(__func__, device, "", NOT_SUPPORTED, &values); \
        return code ? code : copy_text(values, text, size); \
    }
#define PROCESSES(name, type) \
    nvmlReturn_t name(nvmlDevice_t device, unsigned *count, type *infos) \
    { \
        return list_processes(__func__, device, count, infos, sizeof(type)); \
    }
#define ERRORS_ONLY(name, ...) \
    nvmlReturn_t name(nvmlDevice_t device, __VA_ARGS__) \
    { \
        char *values; \
        unsigned code = ask_device(__func__, device, "", NOT_SUPPORTED, &values); \
        if (code == OK) \
            fail("the simulator has errors only for", __func__); \
        return code; \
    }

/* ---- The system --------------------------------------------------------------------------- */

static unsigned start(const char *symbol)
{
    char *values;
    unsigned code = ask_system(symbol, "", OK, &values);
    started += code == OK;
    return code;
}

nvmlReturn_t nvmlInitWithFlags(unsigned flags)
{
    (void)flags;
    return start(__func__);
}

nvmlReturn_t nvmlInit_v2(void)
{
    return start(__func__);
}

nvmlReturn_t nvmlShutdown(void)
{
    char *values;
    unsigned code = ask_system(__func__, "", started ? OK : UNINITIALIZED, &values);
    started -= started && code == OK;
    return code;
}

const char *nvmlErrorString(nvmlReturn_t result)
{
    static _Thread_local char text[32];
    snprintf(text, sizeof text, "simulated error %u", (unsigned)result);
    return text;
}

#define SYSTEM_TEXT(name, is_ready) \
    nvmlReturn_t name(char *text, unsigned size) \
    { \
        char *values; \
        unsigned code = ask_system(__func__, "", NOT_SUPPORTED, &values); \
        code = is_ready ? code : UNINITIALIZED; \
        return code ? code : copy_text(values, text, size); \
    }
#define SYSTEM_NUMBER(name) \
    nvmlReturn_t name(int *value) \
    { \
        char *values; \
        unsigned code = ask_system(__func__, "", NOT_SUPPORTED, &values); \
        if (code == OK) \
            *value = read_number(values, &values); \
        return code; \
    }
SYSTEM_TEXT(nvmlSystemGetDriverVersion, started)
SYSTEM_TEXT(nvmlSystemGetNVMLVersion, 1)
SYSTEM_NUMBER(nvmlSystemGetCudaDriverVersion)
SYSTEM_NUMBER(nvmlSystemGetCudaDriverVersion_v2)

nvmlReturn_t nvmlSystemGetProcessName(unsigned pid, char *text, unsigned size)
{
    char selector[16], *values;
    snprintf(selector, sizeof selector, "%u", pid);
    unsigned code = ask_system(__func__, selector, NOT_FOUND, &values);
    return code ? code : copy_text(values, text, size);
}

/* ---- What device there is ----------------------------------------------------------------- */

nvmlReturn_t nvmlDeviceGetCount_v2(unsigned *count)
{
    return started ? count_devices(count) : UNINITIALIZED;
}

nvmlReturn_t nvmlDeviceGetHandleByIndex_v2(unsigned index, nvmlDevice_t *device)
{
    char *values;
    unsigned count;
    if (started && (count_devices(&count) || index >= count))
        return INVALID_ARGUMENT;
    *device = handle_of(index, 0);
    return ask_device(__func__, *device, "", OK, &values);
}

/* The device of which the scenario says that `getter` gives `text`. */
static unsigned find_device(const char *symbol, const char *getter, const char *text,
                            nvmlDevice_t *device)
{
    char *values;
    unsigned code = started ? ask_system(symbol, "", OK, &values) : UNINITIALIZED;
    if (code)
        return code;
    for (unsigned place = 0; place < MOST_DEVICES * (MOST_PARTS + 1); place++) {
        *device = handle_of(place / (MOST_PARTS + 1), place % (MOST_PARTS + 1));
        const char *outcome = find(getter, name_of(*device), "");
        if (outcome && !strncmp(outcome, "ok ", 3) && !strcasecmp(outcome + 3, text))
            return OK;
    }
    return NOT_FOUND;
}

nvmlReturn_t nvmlDeviceGetHandleByUUID(const char *uuid, nvmlDevice_t *device)
{
    return find_device(__func__, "nvmlDeviceGetUUID", uuid, device);
}

nvmlReturn_t nvmlDeviceGetHandleByPciBusId_v2(const char *bus_id, nvmlDevice_t *device)
{
    return find_device(__func__, "nvmlDeviceGetPciInfo_v3", bus_id, device);
}

/* The one value that every device has without the scenario's saying so. */
nvmlReturn_t nvmlDeviceGetIndex(nvmlDevice_t device, unsigned *index)
{
    char *values;
    unsigned code = ask_device(__func__, device, "", NO_ENTRY, &values);
    if (code == OK)
        *index = read_number(values, &values);
    if (code == NO_ENTRY)
        *index = part_plus_one_of(device) ? part_plus_one_of(device) - 1 : gpu_of(device);
    return code == NO_ENTRY ? OK : code;
}

nvmlReturn_t nvmlDeviceGetPciInfo_v3(nvmlDevice_t device, nvmlPciInfo_t *info)
{
    char *bus_id;
    unsigned code = ask_device(__func__, device, "", NOT_SUPPORTED, &bus_id);
    if (code)
        return code;
    memset(info, 0, sizeof *info);
    copy_text(bus_id, info->busId, sizeof info->busId);
    sscanf(bus_id, "%x:%x:%x", &info->domain, &info->bus, &info->device);
    /* The older form has four digits of the domain where the newer has eight. */
    if (strlen(info->busId) > 4)
        snprintf(info->busIdLegacy, sizeof info->busIdLegacy, "%.15s", info->busId + 4);
    return OK;
}

TEXT(nvmlDeviceGetName)
TEXT(nvmlDeviceGetUUID)
TEXT(nvmlDeviceGetSerial)
TEXT(nvmlDeviceGetVbiosVersion)

/* ---- How it is used ----------------------------------------------------------------------- */

/* Version 1 counts as used what the driver reserves. Three values: total, used, free; four: total,
   reserved, used, free. */
nvmlReturn_t nvmlDeviceGetMemoryInfo(nvmlDevice_t device, nvmlMemory_t *memory)
{
    char *values;
    number found[MOST_VALUES];
    unsigned code = ask_device(__func__, device, "", NOT_SUPPORTED, &values);
    if (code)
        return code;
    int count = read_numbers(values, found);
    if (count != 3 && count != 4)
        fail("neither three nor four values", __func__);
    memory->total = found[0];
    memory->used = count == 3 ? found[1] : found[1] + found[2];
    memory->free = found[count - 1];
    return OK;
}

nvmlReturn_t nvmlDeviceGetBAR1MemoryInfo(nvmlDevice_t device, nvmlBAR1Memory_t *memory)
{
    NUMBERS(3, "")
    memory->bar1Total = found[0];
    memory->bar1Used = found[1];
    memory->bar1Free = found[2];
    return OK;
}

/* The longest form of an entry; each older form is its beginning. */
struct process {
    unsigned pid;
    number used;
    unsigned gpu_instance, compute_instance;
    number protected_memory;
};
_Static_assert(offsetof(struct process, used) == offsetof(nvmlProcessInfo_v1_t, usedGpuMemory)
               && offsetof(struct process, gpu_instance) == sizeof(nvmlProcessInfo_v1_t)
               && offsetof(struct process, protected_memory) == sizeof(nvmlProcessInfo_v2_t)
               && sizeof(nvmlProcessInfo_t) == (DRIVER == 535 ? 32 : 24), "layout of processes");

/* 2950:396MiB or 2950:-, and /1.0 for a MIG instance. */
static struct process read_process(char *text, char **end)
{
    struct process process = {read_number(text, end), NOT_AVAILABLE, NO_INSTANCE, NO_INSTANCE, 0};
    if (**end != ':')
        fail("no pid:size", text);
    *end += 1;
    if (**end == '-')
        *end += 1;
    else
        process.used = read_number(*end, end);
    if (**end == '/') {
        process.gpu_instance = strtoul(*end + 1, end, 10);
        process.compute_instance = **end == '.' ? strtoul(*end + 1, end, 10) : NO_INSTANCE;
    }
    return process;
}

/* Programs first ask how many there are, with no room; code 7 is then the usual answer. */
static unsigned list_processes(const char *symbol, nvmlDevice_t device, unsigned *count,
                               void *infos, size_t size)
{
    struct process found[MOST_VALUES];
    unsigned length = 0, room = infos ? *count : 0;
    char *text;
    unsigned code = ask_device(symbol, device, "", NOT_SUPPORTED, &text);
    if (code)
        return code;
    for (; *text; text += strspn(text, " ")) {
        if (length == MOST_VALUES)
            fail("too many processes", symbol);
        found[length++] = read_process(text, &text);
    }
    *count = length;
    for (unsigned i = 0; length <= room && i < length; i++)
        memcpy((char *)infos + i * size, &found[i], size);
    return length <= room ? OK : INSUFFICIENT_SIZE;
}

/* All there was before R450; newer drivers keep them for old programs. */
PROCESSES(nvmlDeviceGetComputeRunningProcesses, nvmlProcessInfo_v1_t)
PROCESSES(nvmlDeviceGetGraphicsRunningProcesses, nvmlProcessInfo_v1_t)
PAIR(nvmlDeviceGetEncoderUtilization, unsigned)
PAIR(nvmlDeviceGetDecoderUtilization, unsigned)
SELECTED(nvmlDeviceGetPcieThroughput, "tx", "rx")
ERRORS_ONLY(nvmlDeviceGetProcessUtilization, nvmlProcessUtilizationSample_t *samples,
            unsigned *count, number since)

nvmlReturn_t nvmlDeviceGetUtilizationRates(nvmlDevice_t device, nvmlUtilization_t *rates)
{
    NUMBERS(2, "")
    rates->gpu = found[0];
    rates->memory = found[1];
    return OK;
}

/* ---- How it is and how it is set ---------------------------------------------------------- */

PAIR(nvmlDeviceGetCudaComputeCapability, int)
PAIR(nvmlDeviceGetDriverModel, unsigned)
PAIR(nvmlDeviceGetEccMode, unsigned)
PAIR(nvmlDeviceGetPowerManagementLimitConstraints, unsigned)
NUMBER(nvmlDeviceGetComputeMode, unsigned)
NUMBER(nvmlDeviceGetCurrPcieLinkGeneration, unsigned)
NUMBER(nvmlDeviceGetCurrPcieLinkWidth, unsigned)
NUMBER(nvmlDeviceGetCurrentClocksThrottleReasons, number)
NUMBER(nvmlDeviceGetDisplayActive, unsigned)
NUMBER(nvmlDeviceGetDisplayMode, unsigned)
NUMBER(nvmlDeviceGetEnforcedPowerLimit, unsigned)
NUMBER(nvmlDeviceGetFanSpeed, unsigned)
NUMBER(nvmlDeviceGetMinorNumber, unsigned)
NUMBER(nvmlDeviceGetPerformanceState, unsigned)
NUMBER(nvmlDeviceGetPersistenceMode, unsigned)
NUMBER(nvmlDeviceGetPowerManagementDefaultLimit, unsigned)
NUMBER(nvmlDeviceGetPowerManagementLimit, unsigned)
NUMBER(nvmlDeviceGetPowerUsage, unsigned)
NUMBER(nvmlDeviceGetRetiredPagesPendingStatus, unsigned)
NUMBER(nvmlDeviceGetVirtualizationMode, unsigned)
SELECTED(nvmlDeviceGetClockInfo, "graphics", "sm", "mem", "video")
SELECTED(nvmlDeviceGetMaxClockInfo, "graphics", "sm", "mem", "video")
SELECTED(nvmlDeviceGetTemperature, "gpu")

nvmlReturn_t nvmlDeviceGetTotalEccErrors(nvmlDevice_t device, unsigned kind, unsigned counter,
                                         number *errors)
{
    static const char *const selectors[] = {
        "corrected,volatile",
        "corrected,aggregate",
        "uncorrected,volatile",
        "uncorrected,aggregate",
    };
    if (kind > 1 || counter > 1)
        return INVALID_ARGUMENT;
    NUMBERS(1, selectors[2 * kind + counter])
    *errors = found[0];
    return OK;
}

nvmlReturn_t nvmlDeviceGetRetiredPages(nvmlDevice_t device, unsigned cause, unsigned *count,
                                       number *addresses)
{
    number found[MOST_VALUES];
    char *values;
    const char *selector = cause ? "double-bit" : "single-bit";
    unsigned code = ask_device(__func__, device, selector, NOT_SUPPORTED, &values);
    if (code)
        return code;
    unsigned length = read_numbers(values, found), room = addresses ? *count : 0;
    *count = length;
    if (length > room)
        return INSUFFICIENT_SIZE;
    for (unsigned i = 0; i < length; i++)
        addresses[i] = found[i];
    return OK;
}

/* ---- What came with R450 to R535 ---------------------------------------------------------- */
#if DRIVER >= 535

nvmlReturn_t nvmlDeviceGetMemoryInfo_v2(nvmlDevice_t device, nvmlMemory_v2_t *memory)
{
    if (memory->version != (2u << 24 | sizeof *memory))
        return VERSION_MISMATCH;
    NUMBERS(4, "")
    memory->total = found[0];
    memory->reserved = found[1];
    memory->used = found[2];
    memory->free = found[3];
    return OK;
}

PROCESSES(nvmlDeviceGetComputeRunningProcesses_v2, nvmlProcessInfo_v2_t)
PROCESSES(nvmlDeviceGetComputeRunningProcesses_v3, nvmlProcessInfo_t)
PROCESSES(nvmlDeviceGetGraphicsRunningProcesses_v2, nvmlProcessInfo_v2_t)
PROCESSES(nvmlDeviceGetGraphicsRunningProcesses_v3, nvmlProcessInfo_t)
PROCESSES(nvmlDeviceGetMPSComputeRunningProcesses, nvmlProcessInfo_v1_t)
PROCESSES(nvmlDeviceGetMPSComputeRunningProcesses_v2, nvmlProcessInfo_v2_t)
PROCESSES(nvmlDeviceGetMPSComputeRunningProcesses_v3, nvmlProcessInfo_t)

/* A part of a GPU is there when the scenario says anything of it. */
static int is_mentioned(nvmlDevice_t part)
{
    for (int i = 0; i < entry_count; i++)
        if (!strcmp(entries[i].device, name_of(part)))
            return 1;
    return 0;
}

nvmlReturn_t nvmlDeviceGetMigDeviceHandleByIndex(nvmlDevice_t device, unsigned index,
                                                 nvmlDevice_t *part)
{
    char *values;
    if (index >= MOST_PARTS)
        return INVALID_ARGUMENT;
    *part = handle_of(gpu_of(device), index + 1);
    unsigned code = ask_device(__func__, *part, "", NO_ENTRY, &values);
    return code != NO_ENTRY ? code : is_mentioned(*part) ? OK : NOT_FOUND;
}

nvmlReturn_t nvmlDeviceGetMaxMigDeviceCount(nvmlDevice_t device, unsigned *count)
{
    char *values;
    unsigned code = ask_device(__func__, device, "", NO_ENTRY, &values);
    *count = code == OK ? read_number(values, &values) : 0;
    for (unsigned part = 1; code == NO_ENTRY && part <= MOST_PARTS; part++)
        if (is_mentioned(handle_of(gpu_of(device), part)))
            *count = MOST_PARTS;
    return code == NO_ENTRY ? OK : code;
}

nvmlReturn_t nvmlDeviceIsMigDeviceHandle(nvmlDevice_t device, unsigned *is_part)
{
    char *values;
    *is_part = part_plus_one_of(device) != 0;
    return ask_device(__func__, device, "", OK, &values);
}

nvmlReturn_t nvmlDeviceGetDeviceHandleFromMigDeviceHandle(nvmlDevice_t part, nvmlDevice_t *device)
{
    char *values;
    *device = handle_of(gpu_of(part), 0);
    return ask_device(__func__, part, "", part_plus_one_of(part) ? OK : INVALID_ARGUMENT, &values);
}

/* Values in the order of the struct; what is left out is 0. */
nvmlReturn_t nvmlDeviceGetAttributes_v2(nvmlDevice_t device, nvmlDeviceAttributes_t *attributes)
{
    NUMBERS(1, "")
    *attributes = (nvmlDeviceAttributes_t){found[0], found[1], found[2], found[3], found[4],
                                           found[5], found[6], found[7], found[8]};
    return OK;
}

nvmlReturn_t nvmlDeviceGetRemappedRows(nvmlDevice_t device, unsigned *corrected,
                                       unsigned *uncorrected, unsigned *pending, unsigned *failed)
{
    NUMBERS(4, "")
    *corrected = found[0];
    *uncorrected = found[1];
    *pending = found[2];
    *failed = found[3];
    return OK;
}

nvmlReturn_t nvmlDeviceGetFieldValues(nvmlDevice_t device, int count, nvmlFieldValue_t *fields)
{
    NUMBERS(1, "recovery-action")
    for (int place = 0; place < count; place++) {
        fields[place].nvmlReturn = fields[place].fieldId == RECOVERY_ACTION ? OK : NOT_SUPPORTED;
        fields[place].value.uiVal = found[0];
    }
    return OK;
}

nvmlReturn_t nvmlDeviceGetFanSpeed_v2(nvmlDevice_t device, unsigned fan, unsigned *speed)
{
    (void)fan;
    NUMBERS(1, "")
    *speed = found[0];
    return OK;
}

PAIR(nvmlDeviceGetMigMode, unsigned)
NUMBER(nvmlDeviceGetArchitecture, unsigned)
NUMBER(nvmlDeviceGetComputeInstanceId, unsigned)
NUMBER(nvmlDeviceGetCurrentClocksEventReasons, number)
NUMBER(nvmlDeviceGetGpuInstanceId, unsigned)
NUMBER(nvmlDeviceGetNumFans, unsigned)
NUMBER(nvmlDeviceGetNumGpuCores, unsigned)
/* nvitop takes a driver that has this, and no nvmlDeviceGetRunningProcessDetailList, for one of
   those with the long process entries. */
ERRORS_ONLY(nvmlDeviceGetConfComputeMemSizeInfo, nvmlConfComputeMemSizeInfo_t *info)

#endif
/* ---- What came after R535 ----------------------------------------------------------------- */
#if DRIVER > 535

nvmlReturn_t nvmlDeviceGetTemperatureV(nvmlDevice_t device, nvmlTemperature_t *temperature)
{
    if (temperature->version != (1u << 24 | sizeof *temperature))
        return VERSION_MISMATCH;
    NUMBERS(1, "gpu")
    temperature->temperature = found[0];
    return OK;
}

nvmlReturn_t nvmlDeviceGetAddressingMode(nvmlDevice_t device, nvmlDeviceAddressingMode_t *mode)
{
    if (mode->version != (1u << 24 | sizeof *mode))
        return VERSION_MISMATCH;
    NUMBERS(1, "")
    mode->value = found[0];
    return OK;
}

PAIR(nvmlDeviceGetDriverModel_v2, unsigned)
ERRORS_ONLY(nvmlDeviceGetRunningProcessDetailList, nvmlProcessDetailList_t *list)

#endif
