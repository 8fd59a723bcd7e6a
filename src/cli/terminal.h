/* What the terminal can show. */
#ifndef ISHOW_CLI_TERMINAL_H
#define ISHOW_CLI_TERMINAL_H

#include <stdio.h>

int terminal_live(FILE *f);    /* a terminal on which a line can be redrawn */
int terminal_width(FILE *f);   /* columns, 80 when it cannot be told */
int terminal_height(FILE *f);  /* lines, 24 when it cannot be told */
int terminal_utf8(void);       /* the user's locale is UTF-8 (LC_ALL, LC_CTYPE, LANG) */
int terminal_colour(FILE *f);  /* a terminal, and NO_COLOR is not set */

#endif
