/* See doctor.h: the order of the findings, and the reading of small system files. */
#include "engine/doctor.h"

#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LINES_MAX 4096 /* of a system file that is searched */

void doctor_tell(struct doctor *d, const char *topic, ishow_verdict verdict, const char *mend, const char *fmt, ...)
{
    char text[DOCTOR_TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (strlen(text) + 1 == sizeof text)
        text[utf8_floor(text, sizeof text - 1)] = '\0';
    ishow_finding finding = {topic, verdict, text, mend ? mend : ""};
    d->on_finding(d->user, &finding);
}

void doctor_path(const struct doctor *d, const char *path, char out[DOCTOR_PATH_MAX])
{
    snprintf(out, DOCTOR_PATH_MAX, "%s%s", d->root, path);
}

static void trim(char *text)
{
    size_t n = strlen(text);
    while (n && strchr(" \t\r\n", text[n - 1]))
        text[--n] = '\0';
}

int doctor_line(const struct doctor *d, const char *path, char *text, size_t size)
{
    char full[DOCTOR_PATH_MAX];
    doctor_path(d, path, full);
    FILE *f = fopen(full, "re");
    if (!f)
        return -1;
    int ok = fgets(text, (int)size, f) != NULL;
    fclose(f);
    if (!ok)
        return -1;
    trim(text);
    return *text ? 0 : -1;
}

int doctor_field(const struct doctor *d, const char *path, const char *key, char *text, size_t size)
{
    char full[DOCTOR_PATH_MAX], line[DOCTOR_TEXT_MAX * 8];
    doctor_path(d, path, full);
    FILE *f = fopen(full, "re");
    if (!f)
        return -1;
    size_t n = strlen(key);
    int found = 0;
    for (int i = 0; !found && i < LINES_MAX && fgets(line, sizeof line, f); i++)
        found = strncmp(line, key, n) == 0 && strchr(" \t:", line[n]);
    fclose(f);
    if (!found)
        return -1;
    const char *value = line + n + strspn(line + n, " \t");
    if (*value == ':')
        value += 1 + strspn(value + 1, " \t");
    snprintf(text, size, "%s", value);
    trim(text);
    return 0;
}

void doctor_size(double bytes, char out[32])
{
    if (bytes < 999.5e6)
        snprintf(out, 32, "%.*f MB", bytes < 9.95e6, bytes / 1e6);
    else
        snprintf(out, 32, "%.*f GB", bytes < 99.95e9 ? 2 : 0, bytes / 1e9);
}

int doctor_run(const char *root, ishow_finding_fn on_finding, void *user, struct error *err)
{
    struct doctor d = {.root = root, .on_finding = on_finding, .user = user};
    int rc = doctor_models(&d, err);
    if (rc)
        return rc;
    doctor_machine(&d);
    doctor_graphics(&d);
    doctor_sound(&d);
    return 0;
}

int ishow_doctor(ishow_finding_fn on_finding, void *user, ishow_error *err)
{
    struct error e;
    if (!on_finding) {
        error_set(&e, E_ARG, "ishow_doctor: expected a callback, found NULL");
    } else if (!doctor_run("", on_finding, user, &e)) {
        return ISHOW_OK;
    }
    if (err) {
        err->code = e.code;
        memcpy(err->text, e.text, sizeof err->text);
    }
    return e.code;
}
