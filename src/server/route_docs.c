/* The pages for streamers and for OBS, and the document that describes all routes, for programs and, as a page of its
 * own, for people. */
#include "server/routes.h"
#include "server/web_files.h"

#include <string.h>

static void openapi(struct server *s, struct http_request *r, const struct route_args *args)
{
    (void)s;
    (void)args;
    reply_web_file(r, web_file_find("openapi.json"));
}

static void docs(struct server *s, struct http_request *r, const struct route_args *args)
{
    (void)s;
    (void)args;
    reply_web_file(r, web_file_find("docs.html"));
}

static void file(struct server *s, struct http_request *r, const struct route_args *args)
{
    const struct web_file *f = web_file_find(args->value[0]);
    (void)s;
    if (f)
        reply_web_file(r, f);
    else
        reply_error(r, 404, NULL, "not_found", "there is no %s here", http_path(r));
}

static void home(struct server *s, struct http_request *r, const struct route_args *args)
{
    (void)s;
    (void)args;
    reply_web_file(r, web_file_find("index.html"));
}

static void overlay(struct server *s, struct http_request *r, const struct route_args *args)
{
    (void)s;
    (void)args;
    reply_web_file(r, web_file_find("overlay.html"));
}

const struct route routes_docs[] = {
    {"GET", "/", "home", SCOPE_NONE, 0, home},
    {"GET", "/overlay", "overlay", SCOPE_NONE, 0, overlay},
    {"GET", "/openapi.json", "openapi", SCOPE_NONE, 0, openapi},
    {"GET", "/docs", "docs", SCOPE_NONE, 0, docs},
    {"GET", "/docs/{file}", "docs_file", SCOPE_NONE, 0, file},
    {"GET", "/app/{file}", "app_file", SCOPE_NONE, 0, file},
    {0},
};
