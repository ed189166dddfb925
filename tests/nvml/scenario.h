/* Reads the scenario file: which entry answers a call, and what it says. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#define MOST_VALUES 256
#define NO_ENTRY 1000 /* none of NVML's codes: the scenario does not say */

typedef unsigned long long number;

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
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    size_t length = 0;
    ssize_t got;
    if (file < 0)
        fail("cannot open the file of ENVPRINT_SIMULATED_NVML", path ? path : "not set");
    while ((got = read(file, scenario_text + length, sizeof scenario_text - 1 - length)) > 0)
        length += got;
    close(file);
    if (got < 0 || length == sizeof scenario_text - 1)
        fail("cannot read, or too long", path);
    scenario_text[length] = '\0';
}

/* NAME[SELECTOR]@DEVICE = OUTCOME */
static void parse(char *line)
{
    struct entry *entry = &entries[entry_count++];
    int end = 0;
    if (entry_count == sizeof entries / sizeof *entries)
        fail("too many entries", line);
    memset(entry, 0, sizeof *entry);
    sscanf(line, "%63[A-Za-z0-9_]%n", entry->name, &end);
    char *rest = line + end;
    if (sscanf(rest, "[%31[^]]]%n", entry->selector, &end) == 1)
        rest += end;
    if (sscanf(rest, "@%15[0-9/*]%n", entry->device, &end) == 1)
        rest += end;
    rest += strspn(rest, " ");
    if (!*entry->name || *rest != '=')
        fail("no entry", line);
    entry->outcome = rest + 1 + strspn(rest + 1, " ");
}

static void read_scenario(void)
{
    char *rest, *line;
    read_whole_file();
    entry_count = 0;
    for (line = strtok_r(scenario_text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        line += strspn(line, " ");
        for (size_t length = strlen(line); length && line[length - 1] == ' '; length--)
            line[length - 1] = '\0';
        if (*line && *line != '#')
            parse(line);
    }
}

/* How well an entry's name fits a symbol: 2 exactly, 1 without the version, 0 not at all. */
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

/* The outcome of the most exact entry, of equals the last; NULL if there is none. */
static char *find(const char *symbol, const char *device, const char *selector)
{
    char *best = NULL;
    int best_score = 0;
    for (struct entry *entry = entries; entry < entries + entry_count; entry++) {
        int fits = fit(entry->name, symbol), is_any = *device && !strcmp(entry->device, "*");
        if (!fits || (!is_any && strcmp(entry->device, device)))
            continue;
        if (*entry->selector && strcmp(entry->selector, selector))
            continue;
        int score = 4 * fits + 2 * (*entry->selector != '\0') + !is_any;
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

/* The code that a call returns, after what else it does; `values` is the text after "ok". */
static unsigned ask(const char *symbol, const char *device, const char *selector, char **values)
{
    long ms, code;
    int end;
    read_scenario();
    char *outcome = find(symbol, device, selector);
    if (!outcome)
        return NO_ENTRY;
    if (sscanf(outcome, "after %ld %n", &ms, &end) == 1) {
        pause_ms(ms);
        outcome += end;
    }
    *values = outcome + 2 + strspn(outcome + 2, " ");
    if (!strncmp(outcome, "ok", 2))
        return 0;
    if (!strcmp(outcome, "crash"))
        raise(SIGSEGV);
    if (sscanf(outcome, "hang %ld", &ms) == 1) {
        pause_ms(1000 * ms);
        return 999;
    }
    while (!strcmp(outcome, "hang"))
        pause_ms(1000);
    code = strtol(outcome, NULL, 10);
    if (code < 1 || code > 999)
        fail("no such outcome", outcome);
    return code;
}

/* 7, 0x20, 11264MiB */
static number read_number(char *text, char **end)
{
    number value = strtoull(text, end, 0);
    if (*end == text)
        fail("no number", text);
    for (const char *units = "KMG", *unit = units; *unit; unit++)
        if (**end == *unit && !strncmp(*end + 1, "iB", 2)) {
            *end += 3;
            return value << 10 * (unit - units + 1);
        }
    return value;
}

static int read_numbers(char *text, number *values)
{
    int count = 0;
    for (; *text; text += strspn(text, " ")) {
        if (count == MOST_VALUES)
            fail("too many values", text);
        values[count++] = read_number(text, &text);
    }
    return count;
}

/* Text with \xHH for bytes that are none; code 7 when it does not fit. */
static unsigned copy_text(const char *text, char *into, unsigned size)
{
    unsigned length = 0;
    for (; *text; length++) {
        unsigned byte = (unsigned char)*text;
        text += sscanf(text, "\\x%2x", &byte) == 1 ? 4 : 1;
        if (length + 1 >= size)
            return 7;
        into[length] = (char)byte;
    }
    into[length] = '\0';
    return 0;
}
