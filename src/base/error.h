/* Errors: a code for programs, a sentence for people.
 *
 * Functions that can fail return 0 or one of the negative codes below and, where they take a
 * `struct error *`, leave one sentence in it that says what was expected, what was found and where.
 * The pointer may be NULL. Only cli/ and server/ print a sentence or exit. */
#ifndef ISHOW_BASE_ERROR_H
#define ISHOW_BASE_ERROR_H

enum error_code {
    E_ARG = -1,         /* the caller passed something outside what the declaration allows */
    E_NOMEM = -2,       /* an allocation failed */
    E_IO = -3,          /* the system refused: open, read, write, map, network */
    E_FORMAT = -4,      /* bytes from outside are not what they claim to be */
    E_NOTFOUND = -5,    /* no such file, model, voice, tensor, key */
    E_UNSUPPORTED = -6, /* well-formed, but not something this build or machine can do */
    E_LIMIT = -7,       /* over a named limit */
    E_CANCELLED = -8,   /* the caller's callback asked to stop */
    E_INTERNAL = -9,    /* a bug here: an invariant did not hold */
};

#define ERROR_TEXT_MAX 512

struct error {
    int code;                  /* 0, or an error_code */
    char text[ERROR_TEXT_MAX]; /* UTF-8, one sentence, no newline; cut at a character if too long */
};

/* Writes `code` and the formatted sentence into `err` (if not NULL) and returns `code`, so that
 * `return error_set(err, E_FORMAT, "…", …);` is the usual last line of a failing path. */
__attribute__((format(printf, 3, 4))) int error_set(struct error *err, int code, const char *fmt, ...);

/* As error_set with code E_IO (E_NOTFOUND for ENOENT, E_NOMEM for ENOMEM), ": " and strerror(errnum)
 * appended. */
__attribute__((format(printf, 3, 4))) int error_errno(struct error *err, int errnum, const char *fmt, ...);

/* Puts "prefix: " before the sentence that is already there, keeping the code. Returns err's code. */
__attribute__((format(printf, 2, 3))) int error_prefix(struct error *err, const char *fmt, ...);

/* E_NOMEM with a plain sentence; returns E_NOMEM. */
int error_nomem(struct error *err);

#endif
