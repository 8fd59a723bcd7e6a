/* The formatting behind error.h. It allocates nothing, so it also works when memory has run out. */
#include "base/error.h"

#include "base/utf8.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Cuts an over-long sentence at a character boundary instead of inside one. */
static void trim_tail(char *text)
{
    size_t n = strlen(text);
    if (n + 1 == ERROR_TEXT_MAX)
        text[utf8_floor(text, n)] = '\0';
}

int error_set(struct error *err, int code, const char *fmt, ...)
{
    if (!err)
        return code;
    char text[ERROR_TEXT_MAX]; /* an argument may point into err->text */
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    trim_tail(text);
    err->code = code;
    memcpy(err->text, text, sizeof text);
    return code;
}

int error_errno(struct error *err, int errnum, const char *fmt, ...)
{
    int code = errnum == ENOENT ? E_NOTFOUND : errnum == ENOMEM ? E_NOMEM : E_IO;
    char text[ERROR_TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return error_set(err, code, "%s: %s", text, strerror(errnum));
}

int error_prefix(struct error *err, const char *fmt, ...)
{
    if (!err)
        return E_INTERNAL;
    char text[ERROR_TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return error_set(err, err->code, "%s: %s", text, err->text);
}

int error_nomem(struct error *err)
{
    return error_set(err, E_NOMEM, "out of memory");
}
