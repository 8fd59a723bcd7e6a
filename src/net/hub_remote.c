/* See hub_remote.h. */
#include "net/hub_remote.h"

#include "base/file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TOKEN_MAX 4096    /* bytes */
#define TIMEOUT_MAX 86400 /* seconds */

static const char *env(const char *name)
{
    const char *s = getenv(name);
    return s && *s ? s : NULL;
}

static int env_true(const char *name)
{
    const char *s = env(name);
    return s && (strcmp(s, "1") == 0 || strcasecmp(s, "on") == 0 || strcasecmp(s, "yes") == 0 ||
                 strcasecmp(s, "true") == 0);
}

static int env_seconds(const char *name, int otherwise)
{
    const char *s = env(name);
    uint64_t v;
    return s && !http_number(s, TIMEOUT_MAX, &v) && v ? (int)v : otherwise;
}

int hub_is_offline(void)
{
    return env_true("HF_HUB_OFFLINE") || env_true("TRANSFORMERS_OFFLINE");
}

static int read_endpoint(struct hub_remote *r, struct error *err)
{
    const char *s = env("HF_ENDPOINT");
    if (!s)
        s = "https://huggingface.co";
    if ((strncmp(s, "https://", 8) != 0 && strncmp(s, "http://", 7) != 0) || strlen(s) > HTTP_URL_MAX / 2)
        return error_set(err, E_ARG, "HF_ENDPOINT: expected an https:// or http:// address, found \"%.100s\"", s);
    r->endpoint = strdup(s);
    if (!r->endpoint)
        return error_nomem(err);
    for (size_t n = strlen(r->endpoint); n && r->endpoint[n - 1] == '/'; n--)
        r->endpoint[n - 1] = '\0';
    return 0;
}

/* The path of the file that `huggingface-cli login` leaves. */
static int token_path(char **ret, struct error *err)
{
    const char *s = env("HF_TOKEN_PATH");
    char *home = NULL;
    int rc = s ? 0 : hub_home_dir(&home, err);
    if (rc)
        return rc;
    char *path = s ? strdup(s) : path_join(home, "token");
    free(home);
    if (!path)
        return error_nomem(err);
    *ret = path;
    return 0;
}

static int read_token(struct hub_remote *r, struct error *err)
{
    struct buf text = BUF_INIT;
    const char *from = "HF_TOKEN", *s = env("HF_TOKEN");
    char *path = NULL;
    int rc = 0, secure;
    if (!s)
        s = env("HUGGING_FACE_HUB_TOKEN");
    if (s) {
        rc = buf_add_str(&text, s) ? error_nomem(err) : 0;
    } else if (!env_true("HF_HUB_DISABLE_IMPLICIT_TOKEN")) {
        rc = token_path(&path, err);
        if (!rc)
            rc = file_read(path, TOKEN_MAX, &text, err);
        if (rc == E_NOTFOUND)
            rc = 0;
        from = path;
    }
    while (!rc && text.len && strchr(" \t\r\n", text.ptr[text.len - 1]))
        text.ptr[--text.len] = '\0';
    if (rc || text.len == 0)
        goto out;
    char *start = text.ptr + strspn(text.ptr, " \t\r\n");
    for (const char *p = start; p < text.ptr + text.len && !rc; p++)
        if (*p <= ' ' || *p > '~')
            rc = error_set(err, E_ARG, "the token in %s holds a character that no token has", from);
    if (!rc && text.len > TOKEN_MAX)
        rc = error_set(err, E_LIMIT, "the token in %s is longer than %d bytes", from, TOKEN_MAX);
    http_host(r->endpoint, r->host, &secure);
    r->withheld = !rc && !secure;
    if (!rc && secure && !(r->token = strdup(start)))
        rc = error_nomem(err);
out:
    buf_release(&text);
    free(path);
    return rc;
}

int hub_remote_open(struct hub_remote *r, http_tick_fn on_tick, void *user, struct error *err)
{
    *r = (struct hub_remote){.on_tick = on_tick, .user = user};
    r->look_seconds = env_seconds("HF_HUB_ETAG_TIMEOUT", 20);
    r->stall_seconds = env_seconds("HF_HUB_DOWNLOAD_TIMEOUT", 30);
    int rc = read_endpoint(r, err);
    if (!rc)
        rc = read_token(r, err);
    if (!rc)
        rc = http_create(&r->http, err);
    if (rc) {
        hub_remote_close(r);
        return rc;
    }
    http_host(r->endpoint, r->host, NULL);
    return 0;
}

void hub_remote_close(struct hub_remote *r)
{
    http_free(r->http);
    free(r->endpoint);
    free(r->token);
    *r = (struct hub_remote){0};
}

/* Percent-encodes all but what RFC 3986 calls unreserved; slashes stay when `slashes`. */
static int add_quoted(struct buf *out, const char *s, int slashes)
{
    int rc = 0;
    for (; *s && !rc; s++) {
        unsigned char c = (unsigned char)*s;
        int plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    strchr("-._~", c) || (slashes && c == '/');
        rc = plain ? buf_add_char(out, (char)c) : buf_addf(out, "%%%02X", c);
    }
    return rc;
}

static int file_address(const struct hub_remote *r, const char *repo, const char *file, const char *revision,
                        char **ret, struct error *err)
{
    struct buf url = BUF_INIT;
    if (buf_addf(&url, "%s/", r->endpoint) || add_quoted(&url, repo, 1) || buf_add_str(&url, "/resolve/") ||
        add_quoted(&url, revision, 0) || buf_add_char(&url, '/') || add_quoted(&url, file, 1)) {
        buf_release(&url);
        return error_nomem(err);
    }
    *ret = url.ptr;
    return 0;
}

int hub_etag(const char *header, char etag[DIGEST_HEX_MAX])
{
    if (strncmp(header, "W/", 2) == 0)
        header += 2;
    size_t n = strlen(header);
    if (n >= 2 && header[0] == '"' && header[n - 1] == '"') {
        header++;
        n -= 2;
    }
    if (n >= DIGEST_HEX_MAX)
        return E_FORMAT;
    char copy[DIGEST_HEX_MAX];
    memcpy(copy, header, n);
    copy[n] = '\0';
    if (digest_kind_of(copy) == DIGEST_NONE)
        return E_FORMAT;
    memcpy(etag, copy, n + 1);
    return 0;
}

/* Turns an answer that is no file, of the hub or of where it sent us (`url`), into a sentence. */
static int refuse(const struct hub_remote *r, const struct http_reply *reply, const char *url, const char *repo,
                  const char *file, const char *revision, struct hub_again *again, struct error *err)
{
    again->worthwhile = reply->status == 408 || reply->status == 429 || (reply->status >= 500 && reply->status != 501);
    again->seconds = reply->retry_after;
    if (!http_same_origin(url, r->endpoint)) { /* the delivery network knows no tokens: a signed address ran out */
        char host[256];
        http_host(url, host, NULL);
        again->worthwhile |= reply->status == 401 || reply->status == 403;
        return error_set(err, reply->status == 404 ? E_NOTFOUND : E_IO,
                         "%s: expected %s of %s, found HTTP status %d", host, file, repo, reply->status);
    }
    char *code = NULL;
    if (http_reply_header(reply, "X-Error-Code", &code, err))
        return E_NOMEM;
    int status = reply->status;
    int gated = code && strcmp(code, "GatedRepo") == 0;
    int rc;
    if (status == 404 && code && strcmp(code, "RevisionNotFound") == 0) {
        rc = error_set(err, E_NOTFOUND, "%s: %s has no revision \"%s\" (404)", r->host, repo, revision);
    } else if (status == 404 && code && strcmp(code, "RepoNotFound") == 0) {
        rc = error_set(err, E_NOTFOUND, "%s has no repository %s, or it is private (404)", r->host, repo);
    } else if (status == 404) {
        rc = error_set(err, E_NOTFOUND, "%s: %s has no file %s at revision %s (404)", r->host, repo, file,
                       revision);
    } else if ((status == 401 || status == 403) && r->withheld) {
        rc = error_set(err, E_IO,
                       "%s asks for a token (%d), and yours was not sent because HF_ENDPOINT is plain http: "
                       "use an https address",
                       r->host, status);
    } else if (gated && r->token) {
        rc = error_set(err, E_IO, "%s: access to %s must be granted first (%d): ask for it at %s/%s", r->host,
                       repo, status, r->endpoint, repo);
    } else if ((status == 401 || status == 403) && r->token) {
        rc = error_set(err, E_IO,
                       "%s refuses your token for %s (%d): check HF_TOKEN, or make a new one at "
                       "%s/settings/tokens",
                       r->host, repo, status, r->endpoint);
    } else if (status == 401 || status == 403) {
        rc = error_set(err, E_IO,
                       "%s asks for a token to give %s (%d): make one at %s/settings/tokens and set HF_TOKEN to "
                       "it",
                       r->host, repo, status, r->endpoint);
    } else if (status == 429) {
        rc = error_set(err, E_IO, "%s: too many requests (429)", r->host);
    } else {
        rc = error_set(err, E_IO, "%s: expected %s of %s, found HTTP status %d", r->host, file, repo, status);
    }
    free(code);
    return rc;
}

/* Requests `*url` and leaves the answer in `reply`; on a redirect the next address replaces *url and
 * *ret_moved is 1. */
static int one_hop(struct hub_remote *r, struct http_request *req, char **url, struct http_reply *reply,
                   int *ret_moved, struct hub_again *again, struct error *err)
{
    char *location = NULL, *next = NULL;
    req->url = *url;
    req->token = r->token && http_same_origin(*url, r->endpoint) ? r->token : NULL;
    int rc = http_fetch(r->http, req, reply, err);
    *ret_moved = 0;
    if (rc) {
        again->worthwhile = reply->temporary;
        return rc;
    }
    int status = reply->status;
    if (status != 301 && status != 302 && status != 303 && status != 307 && status != 308)
        return 0;
    rc = http_reply_header(reply, "Location", &location, err);
    if (!rc && !location)
        rc = error_set(err, E_FORMAT, "%s redirects without saying where", r->host);
    if (!rc)
        rc = http_redirect(*url, location, &next, err);
    free(location);
    if (rc)
        return rc;
    free(*url);
    *url = next;
    *ret_moved = 1;
    return 0;
}

/* Takes what an answer says about the file into `meta`; what it does not say stays. */
static int read_meta(const struct http_reply *reply, int moved, struct hub_meta *meta, int *ret_linked,
                     struct error *err)
{
    char *commit = NULL, *etag = NULL, *size = NULL;
    int rc = http_reply_header(reply, "X-Repo-Commit", &commit, err);
    if (!rc)
        rc = http_reply_header(reply, "X-Linked-Etag", &etag, err);
    *ret_linked = etag != NULL;
    if (!rc)
        rc = http_reply_header(reply, "X-Linked-Size", &size, err);
    if (!rc && !etag && !moved)
        rc = http_reply_header(reply, "ETag", &etag, err);
    if (!rc && !size && !moved)
        rc = http_reply_header(reply, "Content-Length", &size, err);
    if (!rc && commit && digest_kind_of(commit) == DIGEST_GIT_BLOB) /* a commit is named like a blob */
        strcpy(meta->commit, commit);
    if (!rc && etag && !hub_etag(etag, meta->etag))
        meta->kind = digest_kind_of(meta->etag);
    if (!rc && size && http_number(size, HUB_FILE_MAX, &meta->size))
        rc = error_set(err, E_LIMIT, "expected a size of at most %" PRIu64 " bytes, found %.40s", HUB_FILE_MAX,
                       size);
    free(commit);
    free(etag);
    free(size);
    return rc;
}

static int too_many_redirects(const struct hub_remote *r, struct error *err)
{
    return error_set(err, E_LIMIT, "%s redirects more than %d times", r->host, HUB_REDIRECTS_MAX);
}

int hub_remote_look(struct hub_remote *r, const char *repo, const char *file, const char *revision,
                    struct hub_meta *ret, struct hub_again *again, struct error *err)
{
    struct hub_meta meta = {.size = UINT64_MAX};
    struct http_reply reply = {0};
    struct http_request req = {
        .head = 1, .stall_seconds = r->look_seconds, .on_tick = r->on_tick, .user = r->user};
    char *url = NULL, *before = NULL;
    *again = (struct hub_again){0};
    int rc = file_address(r, repo, file, revision, &url, err);
    for (int hops = 0; !rc; hops++) {
        int moved, linked;
        before = strdup(url);
        if (!before)
            rc = error_nomem(err);
        http_reply_release(&reply);
        if (!rc && hops > HUB_REDIRECTS_MAX)
            rc = too_many_redirects(r, err);
        if (!rc)
            rc = one_hop(r, &req, &url, &reply, &moved, again, err);
        if (!rc && !moved && reply.status != 200)
            rc = refuse(r, &reply, url, repo, file, revision, again, err);
        if (!rc)
            rc = read_meta(&reply, moved, &meta, &linked, err);
        /* A step to another host that tells the checksum is the way to the bytes; any other is a
         * repository that has moved, or a mirror, and the next answer tells. */
        if (!rc && (!moved || (linked && !http_same_origin(before, url))))
            break;
        free(before);
        before = NULL;
    }
    if (!rc && meta.kind == DIGEST_NONE)
        rc = error_set(err, E_FORMAT, "%s gives no checksum for %s of %s: expected SHA-256 or git's SHA-1", r->host,
                       file, repo);
    if (!rc && meta.size == UINT64_MAX)
        rc = error_set(err, E_FORMAT, "%s does not say how large %s of %s is", r->host, file, repo);
    if (!rc && !meta.commit[0] && digest_kind_of(revision) == DIGEST_GIT_BLOB)
        strcpy(meta.commit, revision);
    if (!rc && !meta.commit[0])
        rc = error_set(err, E_FORMAT, "%s does not say which commit of %s it serves", r->host, repo);
    if (!rc)
        *ret = meta;
    http_reply_release(&reply);
    free(before);
    free(url);
    return rc;
}

int hub_remote_get(struct hub_remote *r, const char *repo, const char *file, const char *revision, uint64_t from,
                   http_body_fn on_body, struct http_reply *reply, struct hub_again *again,
                   struct error *err)
{
    struct http_request req = {.from = from,
                               .stall_seconds = r->stall_seconds,
                               .on_body = on_body,
                               .on_tick = r->on_tick,
                               .user = r->user};
    char *url = NULL;
    *again = (struct hub_again){0};
    int rc = file_address(r, repo, file, revision, &url, err);
    int moved = 1;
    for (int hops = 0; !rc && moved; hops++) {
        http_reply_release(reply);
        rc = hops > HUB_REDIRECTS_MAX ? too_many_redirects(r, err)
                                      : one_hop(r, &req, &url, reply, &moved, again, err);
    }
    if (!rc && reply->status != 200 && reply->status != 206)
        rc = refuse(r, reply, url, repo, file, revision, again, err);
    free(url);
    return rc;
}
