/* The subcommands of `ishowtts`, one file each (cmd_NAME.c).
 *
 * Each takes its own argc and argv, argv[0] being its name, and returns the exit code of the process. Sound and data
 * go to stdout, words to stderr; --help goes to stdout. */
#ifndef ISHOW_CLI_CLI_H
#define ISHOW_CLI_CLI_H

#include "ishowtts.h"

enum exit_code {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,        /* the work could not be done; a sentence on stderr says why */
    EXIT_USAGE = 2,         /* wrong options or arguments */
    EXIT_INTERRUPTED = 130, /* Ctrl-C */
};

int cmd_say(int argc, char **argv);
int cmd_serve(int argc, char **argv);
int cmd_verify(int argc, char **argv);
int cmd_pull(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_quality(int argc, char **argv);
int cmd_bench(int argc, char **argv);
int cmd_load(int argc, char **argv);
int cmd_top(int argc, char **argv);

/* Prints "ishowtts COMMAND: sentence" and returns the exit code for it: EXIT_USAGE for ISHOW_E_ARG,
 * EXIT_INTERRUPTED for ISHOW_E_CANCELLED, else EXIT_FAILED. */
int report_error(const char *command, const ishow_error *err);

/* "ishowtts COMMAND: …; see `ishowtts COMMAND --help`"; returns EXIT_USAGE. */
__attribute__((format(printf, 2, 3))) int report_usage(const char *command, const char *fmt, ...);

/* Whole-string conversions of an option's value; 0, or EXIT_USAGE with a sentence printed. */
int parse_number(const char *command, const char *option, const char *text, double *ret);
int parse_whole(const char *command, const char *option, const char *text, long long least, long long most,
                long long *ret);

/* The bearer token: `option`, else $ISHOWTTS_TOKEN, else NULL. 0, or EXIT_USAGE when it cannot stand in a header. */
int parse_token(const char *command, const char *option, const char **ret);

int parse_arch(const char *command, const char *text, ishow_arch *ret); /* "v0", "v1" */

/* Ctrl-C and SIGTERM set a flag instead of ending the process, from this call on. */
void interrupt_catch(void);
int interrupted(void); /* the signal's number once it came, else 0 */

#endif
