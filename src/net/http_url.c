/* Addresses and header values, without any connection; declared in http_fetch.h. */
#include "net/http_fetch.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static char *url_part(CURLU *u, CURLUPart part)
{
    char *s = NULL;
    return curl_url_get(u, part, &s, part == CURLUPART_PORT ? CURLU_DEFAULT_PORT : 0) == CURLUE_OK ? s : NULL;
}

int http_redirect(const char *url, const char *location, char **ret, struct error *err)
{
    char host[256];
    http_host(url, host, NULL);
    CURLU *u = curl_url();
    if (!u)
        return error_nomem(err);
    char *before = NULL, *after = NULL, *full = NULL;
    int rc = 0;
    if (strlen(location) > HTTP_URL_MAX) {
        rc = error_set(err, E_LIMIT, "%s redirects to an address of more than %d bytes", host, HTTP_URL_MAX);
    } else if (curl_url_set(u, CURLUPART_URL, url, 0) || !(before = url_part(u, CURLUPART_SCHEME)) ||
               curl_url_set(u, CURLUPART_URL, location, 0) || !(after = url_part(u, CURLUPART_SCHEME)) ||
               !(full = url_part(u, CURLUPART_URL))) {
        rc = error_set(err, E_FORMAT, "%s redirects to an address that makes no sense", host);
    } else if (strcmp(after, "https") != 0 && strcmp(after, "http") != 0) {
        rc = error_set(err, E_FORMAT, "%s redirects to a %s address", host, after);
    } else if (strcmp(before, "https") == 0 && strcmp(after, "http") == 0) {
        rc = error_set(err, E_FORMAT, "%s redirects from https down to plain http: refused", host);
    } else {
        char *copy = strdup(full);
        if (copy)
            *ret = copy;
        else
            rc = error_nomem(err);
    }
    curl_free(before);
    curl_free(after);
    curl_free(full);
    curl_url_cleanup(u);
    return rc;
}

int http_same_origin(const char *a, const char *b)
{
    static const CURLUPart parts[] = {CURLUPART_SCHEME, CURLUPART_HOST, CURLUPART_PORT};
    CURLU *ua = curl_url(), *ub = curl_url();
    int same = ua && ub && !curl_url_set(ua, CURLUPART_URL, a, 0) && !curl_url_set(ub, CURLUPART_URL, b, 0);
    for (size_t i = 0; same && i < sizeof parts / sizeof *parts; i++) {
        char *pa = url_part(ua, parts[i]), *pb = url_part(ub, parts[i]);
        same = pa && pb && strcasecmp(pa, pb) == 0;
        curl_free(pa);
        curl_free(pb);
    }
    curl_url_cleanup(ua);
    curl_url_cleanup(ub);
    return same;
}

static int is_loopback(const char *name)
{
    return strcmp(name, "localhost") == 0 || strcmp(name, "[::1]") == 0 ||
           (strncmp(name, "127.", 4) == 0 && strspn(name, "0123456789.") == strlen(name));
}

int http_loopback(const char *url)
{
    char host[256];
    http_host(url, host, NULL);
    return is_loopback(host);
}

void http_host(const char *url, char host[256], int *secure)
{
    CURLU *u = curl_url();
    char *name = NULL, *scheme = NULL;
    if (u && !curl_url_set(u, CURLUPART_URL, url, 0)) {
        name = url_part(u, CURLUPART_HOST);
        scheme = url_part(u, CURLUPART_SCHEME);
    }
    snprintf(host, 256, "%s", name ? name : "the server");
    if (secure)
        *secure = name && scheme && (strcmp(scheme, "https") == 0 || is_loopback(name));
    curl_free(name);
    curl_free(scheme);
    curl_url_cleanup(u);
}

/* Reads digits at *p, moving past them. */
static int digits(const char **p, uint64_t max, uint64_t *ret)
{
    const char *s = *p;
    uint64_t v = 0;
    if (*s < '0' || *s > '9')
        return E_FORMAT;
    for (; *s >= '0' && *s <= '9'; s++) {
        unsigned d = (unsigned)(*s - '0');
        if (v > (max - d) / 10)
            return E_FORMAT;
        v = v * 10 + d;
    }
    *p = s;
    *ret = v;
    return 0;
}

int http_number(const char *value, uint64_t max, uint64_t *ret)
{
    uint64_t v;
    if (max < 9 || digits(&value, max, &v) || *value)
        return E_FORMAT;
    *ret = v;
    return 0;
}

int http_content_range(const char *value, uint64_t *ret_first, uint64_t *ret_last, uint64_t *ret_total)
{
    uint64_t first, last, total = UINT64_MAX;
    if (strncasecmp(value, "bytes", 5) != 0)
        return E_FORMAT;
    value += 5 + strspn(value + 5, " =");
    if (digits(&value, INT64_MAX, &first) || *value++ != '-' || digits(&value, INT64_MAX, &last) ||
        *value++ != '/')
        return E_FORMAT;
    if (*value == '*')
        value++;
    else if (digits(&value, INT64_MAX, &total))
        return E_FORMAT;
    if (*value || first > last || last >= total)
        return E_FORMAT;
    *ret_first = first;
    *ret_last = last;
    *ret_total = total;
    return 0;
}
