/* Values into a struct config, from wherever they come: defaults, the file, the environment, the command line. What
 * comes later wins. Internal to config_*.c. */
#ifndef ISHOW_CONFIG_CONFIG_READ_H
#define ISHOW_CONFIG_CONFIG_READ_H

#include "base/arena.h"
#include "base/toml.h"
#include "config/config_schema.h"

struct config_reader {
    struct config *config; /* filled, strings from `arena` */
    struct arena *arena;
    const char *file;      /* how messages call it */
    const char *folder;    /* that paths are from; "" is the current one */
    const char *origin;    /* the variable or option being read; NULL: the file */
    unsigned char *given;  /* [config_key_count]: 1 when somebody gave it */
    config_warning_fn on_warning;
    void *user;
    size_t warnings;
    struct error *err;
};

int config_read_defaults(struct config_reader *r);
int config_read_file(struct config_reader *r, const struct toml_value *root);
int config_read_environment(struct config_reader *r, char *const *env);
int config_read_settings(struct config_reader *r, const struct config_setting *settings);

/* One value for one key; `base` is the config, or the item of a list. */
int config_read_value(struct config_reader *r, const struct config_key *key, void *base, const struct toml_value *v);

/* A table's keys; `section` is where it stands: "", "f5", "f5.voices[]". */
int config_read_table(struct config_reader *r, const char *section, void *base, const struct toml_value *table);

/* "x.toml: line 3, column 7: " or "ISHOWTTS__log__level: " before the sentence. */
__attribute__((format(printf, 4, 5))) int config_fail(struct config_reader *r, int line, int column, const char *fmt,
                                                      ...);
__attribute__((format(printf, 4, 5))) void config_warn(struct config_reader *r, int line, int column, const char *fmt,
                                                       ...);

/* Was the key given by anybody? It must be one of the schema, outside lists of tables. */
int config_given(const struct config_reader *r, const char *path);

/* `name` as seen from `folder`, in the arena; NULL without memory. */
const char *config_rebase(struct arena *arena, const char *folder, const char *name);

#endif
