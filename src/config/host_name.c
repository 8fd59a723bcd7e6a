/* See host_name.h. */
#include "config/host_name.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* An address into 16 bytes, IPv4 as ::ffff:a.b.c.d. 0, or -1 for a name. */
static int address_bytes(const char *text, unsigned char ret[16])
{
    static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (inet_pton(AF_INET6, text, ret) == 1)
        return 0;
    memcpy(ret, mapped, sizeof mapped);
    return inet_pton(AF_INET, text, ret + 12) == 1 ? 0 : -1;
}

static int is_mapped(const unsigned char a[16])
{
    unsigned char b[16];
    address_bytes("0.0.0.0", b);
    return memcmp(a, b, 12) == 0;
}

static int parse_port(const char *text, int *ret)
{
    size_t n = strspn(text, "0123456789");
    if (n < 1 || n > 5 || text[n] || atoi(text) > 65535)
        return -1;
    *ret = atoi(text);
    return 0;
}

static int take_address(const unsigned char bytes[16], struct host_name *ret)
{
    ret->family = is_mapped(bytes) ? AF_INET : AF_INET6;
    inet_ntop(ret->family, ret->family == AF_INET ? bytes + 12 : bytes, ret->name, sizeof ret->name);
    return 0;
}

static int take_name(const char *text, size_t n, struct host_name *ret)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-._";
    unsigned char bytes[16];
    if (n > 0 && text[n - 1] == '.')
        n--;
    if (n == 0 || n >= sizeof ret->name || text[0] == '.')
        return -1;
    for (size_t i = 0; i < n; i++) {
        char c = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] - 'A' + 'a') : text[i];
        if (!strchr(letters, c) || c == '\0')
            return -1;
        ret->name[i] = c;
    }
    ret->name[n] = '\0';
    ret->family = 0;
    return address_bytes(ret->name, bytes) ? 0 : take_address(bytes, ret);
}

int host_parse_address(const char *text, struct host_name *ret)
{
    unsigned char bytes[16];
    if (address_bytes(text, bytes))
        return -1;
    *ret = (struct host_name){.port = -1};
    return take_address(bytes, ret);
}

int host_parse(const char *text, struct host_name *ret)
{
    struct host_name h = {.port = -1};
    const char *end;
    if (text[0] == '[') {
        char inner[INET6_ADDRSTRLEN];
        unsigned char bytes[16];
        end = strchr(text, ']');
        if (!end || (size_t)(end - text - 1) >= sizeof inner)
            return -1;
        memcpy(inner, text + 1, (size_t)(end - text - 1));
        inner[end - text - 1] = '\0';
        if (inet_pton(AF_INET6, inner, bytes) != 1)
            return -1;
        take_address(bytes, &h);
        end++;
    } else {
        end = text + strcspn(text, ":");
        if (take_name(text, (size_t)(end - text), &h))
            return -1;
    }
    if (*end && (*end != ':' || parse_port(end + 1, &h.port)))
        return -1;
    *ret = h;
    return 0;
}

int host_parse_origin(const char *origin, struct host_name *ret, int *ret_secure)
{
    int secure = strncasecmp(origin, "https://", 8) == 0;
    struct host_name h;
    if (!secure && strncasecmp(origin, "http://", 7) != 0)
        return -1;
    if (host_parse(origin + (secure ? 8 : 7), &h))
        return -1;
    if (h.port < 0)
        h.port = secure ? 443 : 80;
    *ret = h;
    *ret_secure = secure;
    return 0;
}

int host_is_loopback(const struct host_name *h)
{
    size_t n = strlen(h->name);
    if (h->family == AF_INET)
        return strncmp(h->name, "127.", 4) == 0;
    if (h->family == AF_INET6)
        return strcmp(h->name, "::1") == 0;
    return strcmp(h->name, "localhost") == 0 || (n > 10 && strcmp(h->name + n - 10, ".localhost") == 0);
}

int host_is_any(const struct host_name *h)
{
    return (h->family == AF_INET && strcmp(h->name, "0.0.0.0") == 0) ||
           (h->family == AF_INET6 && strcmp(h->name, "::") == 0);
}

int host_same(const struct host_name *a, const struct host_name *b)
{
    return a->family == b->family && strcmp(a->name, b->name) == 0;
}

int host_in_range(const char *name, const char *range)
{
    char base[INET6_ADDRSTRLEN];
    unsigned char a[16], b[16];
    const char *slash = strchr(range, '/');
    size_t n = slash ? (size_t)(slash - range) : strlen(range);
    int bits = 128;
    if (n >= sizeof base)
        return -1;
    memcpy(base, range, n);
    base[n] = '\0';
    if (address_bytes(base, b))
        return -1;
    if (slash) {
        int most = strchr(base, ':') ? 128 : 32;
        if (parse_port(slash + 1, &bits) || bits > most)
            return -1;
        bits += 128 - most;
    }
    if (address_bytes(name, a))
        return 0;
    int whole = bits / 8, rest = bits % 8;
    return memcmp(a, b, (size_t)whole) == 0 && (!rest || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0);
}
