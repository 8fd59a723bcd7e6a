/* Playing a sound file through whatever player and sound device this machine has. */
#ifndef ISHOW_CLI_PLAYER_H
#define ISHOW_CLI_PLAYER_H

/* Plays and waits. 0, or -1 when there is no sound device or no player; that is no error. */
int player_play(const char *path);

#endif
