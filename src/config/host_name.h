/* Names and addresses of machines as they stand in Host and Origin headers, in addresses to listen on, in lists of
 * trusted neighbours. Pure functions on text; nothing is looked up. */
#ifndef ISHOW_CONFIG_HOST_NAME_H
#define ISHOW_CONFIG_HOST_NAME_H

#include <stddef.h>

#define HOST_NAME_MAX_BYTES 256 /* with the '\0' */

/* "example.org:80", "[::1]:80", "example.org": a name in lower case without its last dot, or an address as inet_ntop
 * writes it, without brackets. */
struct host_name {
    char name[HOST_NAME_MAX_BYTES];
    int port;   /* -1: not given */
    int family; /* AF_INET, AF_INET6 (an IPv4 address in IPv6's clothes is AF_INET), or 0 for a name */
};

/* 0, or -1 for what is no host: empty, a user before it, a path after it, characters that no host has. */
int host_parse(const char *text, struct host_name *ret);

/* The same of a bare address, "::1" or "10.0.0.1". -1 for anything else. */
int host_parse_address(const char *text, struct host_name *ret);

/* An origin, "https://example.org:8443", of http or https; the port is filled in. 0, or -1. "null" is none. */
int host_parse_origin(const char *origin, struct host_name *ret, int *ret_secure);

int host_is_loopback(const struct host_name *h);                     /* 127.0.0.0/8, ::1, localhost, *.localhost */
int host_is_any(const struct host_name *h);                          /* 0.0.0.0, :: */
int host_same(const struct host_name *a, const struct host_name *b); /* ports aside */

/* Is address `name` within "10.0.0.0/8", "::1", "fd00::/8"? 1, 0, or -1 when `range` is none. */
int host_in_range(const char *name, const char *range);

#endif
