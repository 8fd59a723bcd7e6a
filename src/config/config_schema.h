/* Every key of the configuration: where it stands, what it may be, where it goes. Internal to config_*.c. */
#ifndef ISHOW_CONFIG_CONFIG_SCHEMA_H
#define ISHOW_CONFIG_CONFIG_SCHEMA_H

#include "config/config.h"

enum config_type {
    CONFIG_BOOL,   /* int */
    CONFIG_INT,    /* int, least..most */
    CONFIG_BYTES,  /* int64_t, least..most */
    CONFIG_REAL,   /* double, least..most */
    CONFIG_CHOICE, /* int: which of `choices` */
    CONFIG_TEXT,   /* const char *; one of `choices`, if there are any */
    CONFIG_PATH,   /* const char *, complete */
    CONFIG_MODEL,  /* const char *: a name, or a path when it has a slash or an ending; complete */
    CONFIG_TEXTS,  /* struct config_texts */
    CONFIG_TABLES, /* [[key]]: an array of item_size, its count at count_offset; its keys are "key[].name" */
    CONFIG_OTHER,  /* known, but of no use to this program: anything may stand there */
    CONFIG_FOREIGN /* a table for an engine that this program does not have */
};

enum config_flag {
    CONFIG_SECRET = 1,  /* never shown */
    CONFIG_AT_START = 2 /* a running server cannot change it */
};

struct config_key {
    const char *path; /* "server.bind", "f5.voices[].id" */
    enum config_type type;
    size_t offset; /* in struct config, or in the item of a list of tables */
    double least, most;
    const char *unit;     /* of the numbers, in messages: "bytes"; or NULL */
    const char *choices;  /* "text|json" */
    const char *standard; /* the default, as TOML; NULL: zero, nothing */
    unsigned flags;       /* of enum config_flag */
    size_t item_size, count_offset; /* CONFIG_TABLES */
};

extern const struct config_key config_keys[];
extern const size_t config_key_count;

#define CONFIG_PATH_LENGTH 96 /* bytes of the longest `path`, '\0' included */

/* NULL when there is none. */
const struct config_key *config_key_find(const char *path);

/* Does a key stand below this path: is it a table's? "" is. */
int config_is_section(const char *path);

/* The name that was probably meant by `name` in the table `section` (""; "f5"; "f5.voices[]"), into `ret`: near in
 * spelling within that table, or the same in another one, then with its path. 0 when nothing is near. */
int config_suggest(const char *section, const char *name, char ret[CONFIG_PATH_LENGTH]);

#endif
