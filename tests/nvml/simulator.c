/* A libnvidia-ml.so.1 that answers from a scenario file: NVIDIA's management library without a GPU.

The real pynvml loads it, so that what is tested is what runs beside a real driver: the layout of
structs, missing symbols, error codes, time. simulator.py describes the scenario language, compiles
this file, and checks scenarios. Every call reads the file anew: a test may replace it meanwhile.

-DDRIVER=440, 535 or 580 says which driver's symbols there are.
*/
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "nvml_types.h"

/* NVML's return codes; no enum, for the header has one of these names. */
#define OK 0
#define UNINITIALIZED 1
#define INVALID_ARGUMENT 2
#define NOT_SUPPORTED 3
#define NOT_FOUND 6
#define INSUFFICIENT_SIZE 7
#define VERSION_MISMATCH 25
#define UNKNOWN 999
#define NO_ENTRY 1000 /* none of NVML's: the scenario does not say */

#define NOT_AVAILABLE (~0ULL) /* NVML's word for "used: not known" */
#define NO_INSTANCE 0xFFFFFFFFu
#define MOST_DEVICES 64
#define MOST_PARTS 7
#define MOST_VALUES 256

typedef unsigned long long number;

/* ---- The scenario file -------------------------------------------------------------------- */

struct entry {
    char name[64], selector[32], device[16];
    char *outcome;
};

/* Per thread, so that no lock is held while a call hangs. */
static _Thread_local char scenario_text[1 << 17];
static _Thread_local struct entry entries[1024];
static _Thread_local int entry_count;

/* An abort, because a scenario that does not say what its writer meant would test nothing. */
static void fail(const char *problem, const char *detail)
{
    fprintf(stderr, "simulated NVML: %s: %s\n", problem, detail);
    abort();
}

static void read_whole_file(void)
{
    const char *path = getenv("ENVPRINT_SIMULATED_NVML");
    if (!path)
        fail("not set", "ENVPRINT_SIMULATED_NVML");
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        fail(strerror(errno), path);
    size_t length = 0;
    ssize_t got;
    while ((got = read(file, scenario_text + length, sizeof scenario_text - 1 - length)) > 0)
        length += got;
    close(file);
    if (length == sizeof scenario_text - 1)
        fail("too long", path);
    scenario_text[length] = '\0';
}

/* NAME[SELECTOR]@DEVICE = OUTCOME */
static void parse(char *line)
{
    if (entry_count == sizeof entries / sizeof *entries)
        fail("too many entries", line);
    struct entry *entry = &entries[entry_count++];
    int end = 0;
    memset(entry, 0, sizeof *entry);
    if (sscanf(line, " %63[A-Za-z0-9_]%n", entry->name, &end) != 1)
        fail("no function name", line);
    char *rest = line + end;
    if (*rest == '[' && sscanf(rest, "[%31[^]]]%n", entry->selector, &end) == 1)
        rest += end;
    if (*rest == '@' && sscanf(rest, "@%15[0-9/*]%n", entry->device, &end) == 1)
        rest += end;
    rest += strspn(rest, " \t");
    if (*rest != '=')
        fail("no outcome", line);
    entry->outcome = rest + 1 + strspn(rest + 1, " \t");
}

static void read_scenario(void)
{
    char *rest, *line;
    read_whole_file();
    entry_count = 0;
    for (line = strtok_r(scenario_text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        if (line[strspn(line, " \t\r")] && line[strspn(line, " \t")] != '#')
            parse(line);
}

/* How well an entry's name fits a symbol: 2 the same, 1 the name without a version, 0 not at all. */
static int fit(const char *name, const char *symbol)
{
    static const char *const versions[] = {"_v2", "_v3", "V", "WithFlags"};
    size_t length = strlen(name);
    if (!strcmp(name, symbol))
        return 2;
    if (!strcmp(symbol, "nvmlDeviceGetCurrentClocksThrottleReasons"))
        return !strcmp(name, "nvmlDeviceGetCurrentClocksEventReasons"); /* its newer name */
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++)
        if (!strncmp(name, symbol, length) && !strcmp(symbol + length, versions[i]))
            return 1;
    return 0;
}

/* The outcome of the most exact entry; NULL if there is none. */
static char *find(const char *symbol, const char *device, const char *selector)
{
    char *best = NULL;
    int best_score = 0;
    for (struct entry *entry = entries; entry < entries + entry_count; entry++) {
        int score = 4 * fit(entry->name, symbol);
        if (!score)
            continue;
        if (*entry->selector && strcmp(entry->selector, selector))
            continue;
        if (strcmp(entry->device, *device && *entry->device == '*' ? "*" : device))
            continue;
        score += 2 * (*entry->selector != '\0') + (*entry->device != '*');
        if (score >= best_score) {
            best_score = score;
            best = entry->outcome;
        }
    }
    return best;
}

static void pause_ms(long ms)
{
    struct timespec pause = {ms / 1000, ms % 1000 * 1000000L};
    while (nanosleep(&pause, &pause) && errno == EINTR)
        ;
}

/* What the scenario says of a call. `values` points to what stands after "ok". */
static nvmlReturn_t ask(const char *symbol, const char *device, const char *selector, char **values)
{
    static char nothing[] = "";
    long ms = 0;
    int end = 0;
    *values = nothing;
    read_scenario();
    char *outcome = find(symbol, device, selector);
    if (!outcome)
        return NO_ENTRY;
    if (sscanf(outcome, "after %ld %n", &ms, &end) == 1) {
        pause_ms(ms);
        outcome += end;
    }
    if (!strncmp(outcome, "ok", 2)) {
        *values = outcome + 2 + strspn(outcome + 2, " \t");
        return OK;
    }
    if (!strncmp(outcome, "crash", 5))
        raise(SIGSEGV);
    if (!strncmp(outcome, "hang", 4)) {
        long seconds = strtol(outcome + 4, NULL, 10);
        for (long tenths = 0; !seconds || tenths < 10 * seconds; tenths++)
            pause_ms(100);
        return UNKNOWN;
    }
    long code = strtol(outcome, NULL, 10);
    if (code < 1 || code > UNKNOWN)
        fail("no such outcome", outcome);
    return code;
}

/* ---- Values ------------------------------------------------------------------------------- */

/* 7, 0x20, 11264MiB */
static number read_number(char *text, char **end)
{
    number value = strtoull(text, end, 0);
    if (*end == text)
        fail("no number", text);
    for (const char *units = "KMG", *unit = units; *unit; unit++)
        if (**end == *unit && !strncmp(*end + 1, "iB", 2)) {
            value <<= 10 * (unit - units + 1);
            *end += 3;
        }
    return value;
}

static int read_numbers(char *text, number *values)
{
    int count = 0;
    for (text += strspn(text, " \t\r"); *text; text += strspn(text, " \t\r")) {
        if (count == MOST_VALUES)
            fail("too many values", text);
        values[count++] = read_number(text, &text);
    }
    return count;
}

static nvmlReturn_t copy_text(const char *text, char *into, unsigned size)
{
    unsigned length = 0;
    for (; *text && *text != '\r'; length++) {
        unsigned byte = (unsigned char)*text;
        text += !strncmp(text, "\\x", 2) && sscanf(text, "\\x%2x", &byte) == 1 ? 4 : 1;
        if (length + 1 >= size)
            return INSUFFICIENT_SIZE;
        into[length] = (char)byte;
    }
    into[length] = '\0';
    return OK;
}

/* ---- Devices ------------------------------------------------------------------------------ */

static int started; /* as often as nvmlInit exceeds nvmlShutdown */

/* A handle is any pointer that programs only pass back: here 0xDDPP, GPU and part plus one. */
static nvmlDevice_t handle_of(unsigned gpu, unsigned part_plus_one)
{
    return (nvmlDevice_t)(uintptr_t)((gpu + 1) << 8 | part_plus_one);
}

static void name_device(unsigned gpu, unsigned part_plus_one, char *name)
{
    if (part_plus_one)
        sprintf(name, "%u/%u", gpu & 0xff, (part_plus_one - 1) & 0xff);
    else
        sprintf(name, "%u", gpu & 0xff);
}

static int mentions(const char *device)
{
    for (int i = 0; i < entry_count; i++)
        if (!strcmp(entries[i].device, device))
            return 1;
    return 0;
}

/* As many as the scenario names, if it gives no count. */
static nvmlReturn_t count_devices(unsigned *count)
{
    char *values;
    nvmlReturn_t code = ask("nvmlDeviceGetCount_v2", "", "", &values);
    *count = 0;
    if (code == OK)
        *count = read_number(values, &values);
    for (int i = 0; code == NO_ENTRY && i < entry_count; i++) {
        unsigned gpu;
        if (sscanf(entries[i].device, "%u", &gpu) == 1 && gpu >= *count)
            *count = gpu + 1;
    }
    return code == NO_ENTRY ? OK : code;
}

/* What a call for one device gives; `otherwise` where the scenario does not say. */
static nvmlReturn_t ask_device(const char *symbol, nvmlDevice_t device, const char *selector,
                               nvmlReturn_t otherwise, char **values)
{
    char name[16];
    uintptr_t handle = (uintptr_t)device;
    if (!started)
        return UNINITIALIZED;
    if (handle < 0x100 || handle > MOST_DEVICES << 8 || (handle & 0xff) > MOST_PARTS)
        return INVALID_ARGUMENT;
    name_device((handle >> 8) - 1, handle & 0xff, name);
    nvmlReturn_t code = ask(symbol, name, selector, values);
    return code == NO_ENTRY ? otherwise : code;
}

static nvmlReturn_t device_numbers(const char *symbol, nvmlDevice_t device, const char *selector,
                                   int wanted, number *numbers)
{
    char *values;
    nvmlReturn_t code = ask_device(symbol, device, selector, NOT_SUPPORTED, &values);
    if (code == OK && read_numbers(values, numbers) < wanted)
        fail("too few values", symbol);
    return code;
}

/* ---- The library -------------------------------------------------------------------------- */

/* Most functions have one of these forms. */
#define CODE_ONLY(name, ...) \
    nvmlReturn_t name(nvmlDevice_t device, __VA_ARGS__) \
    { \
        char *values; \
        nvmlReturn_t code = ask_device(__func__, device, "", NOT_SUPPORTED, &values); \
        if (code == OK) \
            fail("gives errors only", __func__); \
        return code; \
    }
#define TEXT(name) \
    nvmlReturn_t name(nvmlDevice_t device, char *text, unsigned size) \
    { \
        char *values; \
        nvmlReturn_t code = ask_device(__func__, device, "", NOT_SUPPORTED, &values); \
        return code == OK ? copy_text(values, text, size) : code; \
    }
#define NUMBER(name, type) \
    nvmlReturn_t name(nvmlDevice_t device, type *value) \
    { \
        number found[MOST_VALUES]; \
        nvmlReturn_t code = device_numbers(__func__, device, "", 1, found); \
        if (code == OK) \
            *value = found[0]; \
        return code; \
    }
#define PAIR(name, type) \
    nvmlReturn_t name(nvmlDevice_t device, type *first, type *second) \
    { \
        number found[MOST_VALUES]; \
        nvmlReturn_t code = device_numbers(__func__, device, "", 2, found); \
        if (code == OK) { \
            *first = found[0]; \
            *second = found[1]; \
        } \
        return code; \
    }
#define SELECTED(name, ...) \
    nvmlReturn_t name(nvmlDevice_t device, unsigned which, unsigned *value) \
    { \
        static const char *const selectors[] = {__VA_ARGS__}; \
        number found[MOST_VALUES]; \
        if (which >= sizeof selectors / sizeof *selectors) \
            return INVALID_ARGUMENT; \
        nvmlReturn_t code = device_numbers(__func__, device, selectors[which], 1, found); \
        if (code == OK) \
            *value = found[0]; \
        return code; \
    }
#define PROCESSES(name, type) \
    nvmlReturn_t name(nvmlDevice_t device, unsigned *count, type *infos) \
    { \
        return list_processes(__func__, device, count, infos, sizeof(type)); \
    }
#define SYSTEM_TEXT(name, needs_init) \
    nvmlReturn_t name(char *text, unsigned size) \
    { \
        char *values; \
        if (needs_init && !started) \
            return UNINITIALIZED; \
        nvmlReturn_t code = ask(__func__, "", "", &values); \
        return code == OK ? copy_text(values, text, size) : code == NO_ENTRY ? NOT_SUPPORTED : code; \
    }
#define SYSTEM_NUMBER(name) \
    nvmlReturn_t name(int *value) \
    { \
        char *values; \
        nvmlReturn_t code = ask(__func__, "", "", &values); \
        if (code == OK) \
            *value = (int)read_number(values, &values); \
        return code == NO_ENTRY ? NOT_SUPPORTED : code; \
    }

static nvmlReturn_t start(const char *symbol)
{
    char *values;
    nvmlReturn_t code = ask(symbol, "", "", &values);
    code = code == NO_ENTRY ? OK : code;
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
    nvmlReturn_t code = ask(__func__, "", "", &values);
    if (code != NO_ENTRY && code != OK)
        return code;
    if (!started)
        return UNINITIALIZED;
    started--;
    return OK;
}

const char *nvmlErrorString(nvmlReturn_t result)
{
    static _Thread_local char text[32];
    sprintf(text, "simulated error %u", (unsigned)result);
    return text;
}

SYSTEM_TEXT(nvmlSystemGetDriverVersion, 1)
SYSTEM_TEXT(nvmlSystemGetNVMLVersion, 0)
SYSTEM_NUMBER(nvmlSystemGetCudaDriverVersion)
SYSTEM_NUMBER(nvmlSystemGetCudaDriverVersion_v2)

nvmlReturn_t nvmlSystemGetProcessName(unsigned pid, char *text, unsigned size)
{
    char selector[16], *values;
    sprintf(selector, "%u", pid);
    nvmlReturn_t code = ask(__func__, "", selector, &values);
    return code == OK ? copy_text(values, text, size) : code == NO_ENTRY ? NOT_FOUND : code;
}

nvmlReturn_t nvmlDeviceGetCount_v2(unsigned *count)
{
    return started ? count_devices(count) : UNINITIALIZED;
}

nvmlReturn_t nvmlDeviceGetHandleByIndex_v2(unsigned index, nvmlDevice_t *device)
{
    unsigned count;
    char name[16], *values;
    if (!started)
        return UNINITIALIZED;
    if (count_devices(&count) != OK || index >= count || index >= MOST_DEVICES)
        return INVALID_ARGUMENT;
    name_device(index, 0, name);
    nvmlReturn_t code = ask(__func__, name, "", &values);
    *device = handle_of(index, 0);
    return code == NO_ENTRY ? OK : code;
}

/* Looks for the device of which the scenario says that `getter` gives `text`. */
static nvmlReturn_t find_device(const char *symbol, const char *getter, const char *text,
                                nvmlDevice_t *device)
{
    char *values, name[16];
    if (!started)
        return UNINITIALIZED;
    nvmlReturn_t code = ask(symbol, "", "", &values);
    if (code != NO_ENTRY && code != OK)
        return code;
    for (unsigned gpu = 0; gpu < MOST_DEVICES; gpu++)
        for (unsigned part = 0; part <= MOST_PARTS; part++) {
            name_device(gpu, part, name);
            char *outcome = find(getter, name, "");
            if (outcome && !strncmp(outcome, "ok ", 3) && !strcasecmp(outcome + 3, text)) {
                *device = handle_of(gpu, part);
                return OK;
            }
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

TEXT(nvmlDeviceGetName)
TEXT(nvmlDeviceGetUUID)
TEXT(nvmlDeviceGetSerial)
TEXT(nvmlDeviceGetVbiosVersion)

nvmlReturn_t nvmlDeviceGetPciInfo_v3(nvmlDevice_t device, nvmlPciInfo_t *info)
{
    char *bus_id;
    nvmlReturn_t code = ask_device(__func__, device, "", NOT_SUPPORTED, &bus_id);
    if (code != OK)
        return code;
    memset(info, 0, sizeof *info);
    copy_text(bus_id, info->busId, sizeof info->busId);
    /* The older form has four digits of the domain, not eight. */
    if (strlen(info->busId) > 4)
        snprintf(info->busIdLegacy, sizeof info->busIdLegacy, "%.15s", info->busId + 4);
    sscanf(bus_id, "%x:%x:%x", &info->domain, &info->bus, &info->device);
    return OK;
}

/* The index of a GPU, and of a part within its GPU, is known without the scenario. */
nvmlReturn_t nvmlDeviceGetIndex(nvmlDevice_t device, unsigned *index)
{
    char *values;
    nvmlReturn_t code = ask_device(__func__, device, "", NO_ENTRY, &values);
    uintptr_t handle = (uintptr_t)device;
    if (code == OK)
        *index = read_number(values, &values);
    if (code == NO_ENTRY)
        *index = (handle & 0xff) ? (handle & 0xff) - 1 : (handle >> 8) - 1;
    return code == NO_ENTRY ? OK : code;
}

/* Memory in version 1 counts as used what the driver reserves; version 2 keeps it apart. */
nvmlReturn_t nvmlDeviceGetMemoryInfo(nvmlDevice_t device, nvmlMemory_t *memory)
{
    number found[MOST_VALUES] = {[3] = NOT_AVAILABLE};
    nvmlReturn_t code = device_numbers(__func__, device, "", 3, found);
    if (code != OK)
        return code;
    int is_version_1 = found[3] == NOT_AVAILABLE; /* total used free, else total reserved used free */
    memory->total = found[0];
    memory->used = is_version_1 ? found[1] : found[1] + found[2];
    memory->free = is_version_1 ? found[2] : found[3];
    return OK;
}

nvmlReturn_t nvmlDeviceGetBAR1MemoryInfo(nvmlDevice_t device, nvmlBAR1Memory_t *memory)
{
    number found[MOST_VALUES];
    nvmlReturn_t code = device_numbers(__func__, device, "", 3, found);
    if (code == OK)
        *memory = (nvmlBAR1Memory_t){.bar1Total = found[0], .bar1Used = found[1], .bar1Free = found[2]};
    return code;
}

/* Fills what the shorter entries of older versions begin with, too. */
struct process {
    unsigned pid;
    number used;
    unsigned gpu_instance, compute_instance;
    number protected_memory;
};

static struct process read_process(char *text, char **end)
{
    struct process process = {.gpu_instance = NO_INSTANCE, .compute_instance = NO_INSTANCE};
    process.pid = read_number(text, &text);
    if (*text != ':')
        fail("no pid:SIZE", text);
    if (text[1] == '-') {
        process.used = NOT_AVAILABLE;
        text += 2;
    } else {
        process.used = read_number(text + 1, &text);
    }
    if (*text == '/') {
        process.gpu_instance = strtoul(text + 1, &text, 10);
        process.compute_instance = *text == '.' ? strtoul(text + 1, &text, 10) : NO_INSTANCE;
    }
    *end = text;
    return process;
}

/* The first call asks how many there are, with no room; code 7 is its usual answer. */
static nvmlReturn_t list_processes(const char *symbol, nvmlDevice_t device, unsigned *count,
                                   void *infos, size_t size)
{
    struct process found[MOST_VALUES];
    unsigned length = 0, room = *count;
    char *text;
    nvmlReturn_t code = ask_device(symbol, device, "", NOT_SUPPORTED, &text);
    if (code != OK)
        return code;
    for (text += strspn(text, " \t\r"); *text; text += strspn(text, " \t\r")) {
        if (length == MOST_VALUES)
            fail("too many processes", symbol);
        found[length++] = read_process(text, &text);
    }
    *count = length;
    if (length > room || (length && !infos))
        return INSUFFICIENT_SIZE;
    for (unsigned i = 0; i < length; i++)
        memcpy((char *)infos + i * size, &found[i], size);
    return OK;
}

/* R445 and earlier had only these; newer drivers keep them for old programs. */
PROCESSES(nvmlDeviceGetComputeRunningProcesses, nvmlProcessInfo_v1_t)
PROCESSES(nvmlDeviceGetGraphicsRunningProcesses, nvmlProcessInfo_v1_t)

nvmlReturn_t nvmlDeviceGetTotalEccErrors(nvmlDevice_t device, unsigned kind, unsigned counter,
                                         number *errors)
{
    static const char *const selectors[2][2] = {
        {"corrected,volatile", "corrected,aggregate"},
        {"uncorrected,volatile", "uncorrected,aggregate"},
    };
    number found[MOST_VALUES];
    if (kind > 1 || counter > 1)
        return INVALID_ARGUMENT;
    nvmlReturn_t code = device_numbers(__func__, device, selectors[kind][counter], 1, found);
    if (code == OK)
        *errors = found[0];
    return code;
}

nvmlReturn_t nvmlDeviceGetRetiredPages(nvmlDevice_t device, unsigned cause, unsigned *count,
                                       number *addresses)
{
    number found[MOST_VALUES];
    char *values;
    if (cause > 1)
        return INVALID_ARGUMENT;
    const char *selector = cause ? "double-bit" : "single-bit";
    nvmlReturn_t code = ask_device(__func__, device, selector, NOT_SUPPORTED, &values);
    if (code != OK)
        return code;
    unsigned length = read_numbers(values, found), room = *count;
    *count = length;
    if (length > room || (length && !addresses))
        return INSUFFICIENT_SIZE;
    if (length)
        memcpy(addresses, found, length * sizeof *found);
    return OK;
}

nvmlReturn_t nvmlDeviceGetUtilizationRates(nvmlDevice_t device, nvmlUtilization_t *rates)
{
    number found[MOST_VALUES];
    nvmlReturn_t code = device_numbers(__func__, device, "", 2, found);
    if (code == OK)
        *rates = (nvmlUtilization_t){found[0], found[1]};
    return code;
}

PAIR(nvmlDeviceGetCudaComputeCapability, int)
PAIR(nvmlDeviceGetDriverModel, unsigned)
PAIR(nvmlDeviceGetEccMode, unsigned)
PAIR(nvmlDeviceGetEncoderUtilization, unsigned)
PAIR(nvmlDeviceGetDecoderUtilization, unsigned)
PAIR(nvmlDeviceGetPowerManagementLimitConstraints, unsigned)
NUMBER(nvmlDeviceGetMinorNumber, unsigned)
NUMBER(nvmlDeviceGetRetiredPagesPendingStatus, unsigned)
NUMBER(nvmlDeviceGetPersistenceMode, unsigned)
NUMBER(nvmlDeviceGetComputeMode, unsigned)
NUMBER(nvmlDeviceGetDisplayActive, unsigned)
NUMBER(nvmlDeviceGetDisplayMode, unsigned)
NUMBER(nvmlDeviceGetPerformanceState, unsigned)
NUMBER(nvmlDeviceGetVirtualizationMode, unsigned)
NUMBER(nvmlDeviceGetEnforcedPowerLimit, unsigned)
NUMBER(nvmlDeviceGetPowerManagementLimit, unsigned)
NUMBER(nvmlDeviceGetPowerManagementDefaultLimit, unsigned)
NUMBER(nvmlDeviceGetPowerUsage, unsigned)
NUMBER(nvmlDeviceGetFanSpeed, unsigned)
NUMBER(nvmlDeviceGetCurrPcieLinkGeneration, unsigned)
NUMBER(nvmlDeviceGetCurrPcieLinkWidth, unsigned)
NUMBER(nvmlDeviceGetCurrentClocksThrottleReasons, number)
SELECTED(nvmlDeviceGetClockInfo, "graphics", "sm", "mem", "video")
SELECTED(nvmlDeviceGetMaxClockInfo, "graphics", "sm", "mem", "video")
SELECTED(nvmlDeviceGetPcieThroughput, "tx", "rx")
SELECTED(nvmlDeviceGetTemperature, "gpu")
CODE_ONLY(nvmlDeviceGetProcessUtilization, void *samples, unsigned *count, number since)
CODE_ONLY(nvmlDeviceGetFieldValues, int count, void *values_)

/* ---- What came with R450 to R535 ---------------------------------------------------------- */
#if DRIVER >= 535

nvmlReturn_t nvmlDeviceGetMemoryInfo_v2(nvmlDevice_t device, nvmlMemory_v2_t *memory)
{
    number found[MOST_VALUES];
    if (memory->version != (2u << 24 | sizeof *memory))
        return VERSION_MISMATCH;
    nvmlReturn_t code = device_numbers(__func__, device, "", 4, found);
    if (code != OK)
        return code;
    memory->total = found[0];
    memory->reserved = found[1];
    memory->used = found[2];
    memory->free = found[3];
    return OK;
}

PROCESSES(nvmlDeviceGetMPSComputeRunningProcesses, nvmlProcessInfo_v1_t)
PROCESSES(nvmlDeviceGetComputeRunningProcesses_v2, nvmlProcessInfo_v2_t)
PROCESSES(nvmlDeviceGetGraphicsRunningProcesses_v2, nvmlProcessInfo_v2_t)
PROCESSES(nvmlDeviceGetMPSComputeRunningProcesses_v2, nvmlProcessInfo_v2_t)
PROCESSES(nvmlDeviceGetComputeRunningProcesses_v3, nvmlProcessInfo_t)
PROCESSES(nvmlDeviceGetGraphicsRunningProcesses_v3, nvmlProcessInfo_t)
PROCESSES(nvmlDeviceGetMPSComputeRunningProcesses_v3, nvmlProcessInfo_t)

nvmlReturn_t nvmlDeviceGetMaxMigDeviceCount(nvmlDevice_t device, unsigned *count)
{
    char *values, prefix[16];
    nvmlReturn_t code = ask_device(__func__, device, "", NO_ENTRY, &values);
    if (code != NO_ENTRY) {
        if (code == OK)
            *count = read_number(values, &values);
        return code;
    }
    *count = 0;
    for (int part = 1; part <= MOST_PARTS; part++) {
        name_device(((uintptr_t)device >> 8) - 1, part, prefix);
        if (mentions(prefix))
            *count = MOST_PARTS;
    }
    return OK;
}

nvmlReturn_t nvmlDeviceGetMigDeviceHandleByIndex(nvmlDevice_t device, unsigned index,
                                                 nvmlDevice_t *part)
{
    char name[16], *values;
    unsigned gpu = ((uintptr_t)device >> 8) - 1;
    if (!started)
        return UNINITIALIZED;
    if (index >= MOST_PARTS)
        return INVALID_ARGUMENT;
    name_device(gpu, index + 1, name);
    nvmlReturn_t code = ask(__func__, name, "", &values);
    *part = handle_of(gpu, index + 1);
    return code == NO_ENTRY ? (mentions(name) ? OK : NOT_FOUND) : code;
}

nvmlReturn_t nvmlDeviceIsMigDeviceHandle(nvmlDevice_t device, unsigned *is_part)
{
    char *values;
    nvmlReturn_t code = ask_device(__func__, device, "", OK, &values);
    *is_part = ((uintptr_t)device & 0xff) != 0;
    return code;
}

nvmlReturn_t nvmlDeviceGetDeviceHandleFromMigDeviceHandle(nvmlDevice_t part, nvmlDevice_t *device)
{
    char *values;
    nvmlReturn_t code = ask_device(__func__, part, "", OK, &values);
    if (!((uintptr_t)part & 0xff))
        return INVALID_ARGUMENT;
    *device = handle_of(((uintptr_t)part >> 8) - 1, 0);
    return code;
}

/* Values in the order of the struct; what is left out is 0. */
nvmlReturn_t nvmlDeviceGetAttributes_v2(nvmlDevice_t device, nvmlDeviceAttributes_t *attributes)
{
    number found[MOST_VALUES] = {0};
    nvmlReturn_t code = device_numbers(__func__, device, "", 1, found);
    if (code != OK)
        return code;
    *attributes = (nvmlDeviceAttributes_t){
        found[0], found[1], found[2], found[3], found[4], found[5], found[6], found[7], found[8],
    };
    return OK;
}

nvmlReturn_t nvmlDeviceGetRemappedRows(nvmlDevice_t device, unsigned *corrected,
                                       unsigned *uncorrected, unsigned *pending, unsigned *failed)
{
    number found[MOST_VALUES];
    nvmlReturn_t code = device_numbers(__func__, device, "", 4, found);
    if (code != OK)
        return code;
    *corrected = found[0];
    *uncorrected = found[1];
    *pending = found[2];
    *failed = found[3];
    return OK;
}

nvmlReturn_t nvmlDeviceGetFanSpeed_v2(nvmlDevice_t device, unsigned fan, unsigned *speed)
{
    number found[MOST_VALUES];
    nvmlReturn_t code = device_numbers(__func__, device, "", 1, found);
    (void)fan;
    if (code == OK)
        *speed = found[0];
    return code;
}

PAIR(nvmlDeviceGetMigMode, unsigned)
NUMBER(nvmlDeviceGetNumFans, unsigned)
NUMBER(nvmlDeviceGetNumGpuCores, unsigned)
NUMBER(nvmlDeviceGetArchitecture, unsigned)
NUMBER(nvmlDeviceGetGpuInstanceId, unsigned)
NUMBER(nvmlDeviceGetComputeInstanceId, unsigned)
NUMBER(nvmlDeviceGetCurrentClocksEventReasons, number)
/* nvitop tells the drivers with the long process entries by this function and the absence of the
   next one but one. */
CODE_ONLY(nvmlDeviceGetConfComputeMemSizeInfo, void *info)

#endif
/* ---- What came after R535 ----------------------------------------------------------------- */
#if DRIVER >= 580

nvmlReturn_t nvmlDeviceGetTemperatureV(nvmlDevice_t device, nvmlTemperature_t *temperature)
{
    number found[MOST_VALUES];
    if (temperature->version != (1u << 24 | sizeof *temperature))
        return VERSION_MISMATCH;
    nvmlReturn_t code = device_numbers(__func__, device, "gpu", 1, found);
    if (code == OK)
        temperature->temperature = (int)found[0];
    return code;
}

nvmlReturn_t nvmlDeviceGetAddressingMode(nvmlDevice_t device, nvmlDeviceAddressingMode_t *mode)
{
    number found[MOST_VALUES];
    if (mode->version != (1u << 24 | sizeof *mode))
        return VERSION_MISMATCH;
    nvmlReturn_t code = device_numbers(__func__, device, "", 1, found);
    if (code == OK)
        mode->value = found[0];
    return code;
}

PAIR(nvmlDeviceGetDriverModel_v2, unsigned)
CODE_ONLY(nvmlDeviceGetRunningProcessDetailList, void *list)

#endif
