/* What the subcommands share: errors in words, numbers from options, Ctrl-C. */
#include "cli/cli.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int report_error(const char *command, const ishow_error *err)
{
    fprintf(stderr, "ishowtts %s: %s\n", command, err->text);
    return err->code == ISHOW_E_ARG ? EXIT_USAGE : err->code == ISHOW_E_CANCELLED ? EXIT_INTERRUPTED : EXIT_FAILED;
}

int report_usage(const char *command, const char *fmt, ...)
{
    va_list ap;
    fprintf(stderr, "ishowtts %s: ", command);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fprintf(stderr, "; see `ishowtts %s --help`\n", command);
    return EXIT_USAGE;
}

int parse_number(const char *command, const char *option, const char *text, double *ret)
{
    char *end;
    errno = 0;
    double v = strtod(text, &end);
    if (end == text || *end || errno || !isfinite(v))
        return report_usage(command, "--%s wants a number, not \"%s\"", option, text);
    *ret = v;
    return 0;
}

int parse_whole(const char *command, const char *option, const char *text, long long least, long long most,
                long long *ret)
{
    char *end;
    errno = 0;
    long long v = strtoll(text, &end, 10);
    if (end == text || *end || errno || v < least || v > most)
        return report_usage(command, "--%s wants a whole number from %lld to %lld, not \"%s\"", option, least, most,
                            text);
    *ret = v;
    return 0;
}

int parse_token(const char *command, const char *option, const char **ret)
{
    const char *token = option ? option : getenv("ISHOWTTS_TOKEN");
    for (const char *p = token ? token : ""; *p; p++)
        if (*p < '!' || *p > '~')
            return report_usage(command, "the token holds a character that cannot stand in a header");
    *ret = token && *token ? token : NULL;
    return 0;
}

int parse_arch(const char *command, const char *text, ishow_arch *ret)
{
    if (strcmp(text, "v0") == 0)
        *ret = ISHOW_ARCH_V0;
    else if (strcmp(text, "v1") == 0)
        *ret = ISHOW_ARCH_V1;
    else
        return report_usage(command, "--arch wants v0 or v1, not \"%s\"", text);
    return 0;
}

static volatile sig_atomic_t caught;

static void on_signal(int number)
{
    caught = number;
}

void interrupt_catch(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

int interrupted(void)
{
    return caught;
}
