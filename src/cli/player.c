/* See player.h. The desktop's sound server first, then ALSA. A player is only tried when what it would play on is
 * there, because on a machine without sound they fail slowly and loudly. */
#include "cli/player.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int has_sound_server(void)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    char path[512];
    struct stat st;
    if (getenv("PULSE_SERVER"))
        return 1;
    if (!runtime || snprintf(path, sizeof path, "%s/pulse/native", runtime) >= (int)sizeof path)
        return 0;
    return stat(path, &st) == 0;
}

static int has_sound_card(void)
{
    struct stat st;
    return stat("/dev/snd/controlC0", &st) == 0 || stat("/dev/snd/controlC1", &st) == 0;
}

static int run_player(const char *const argv[])
{
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int status;
    if (posix_spawn_file_actions_init(&actions))
        return -1;
    int failed = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0) ||
                 posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed)
        return -1;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

int player_play(const char *path)
{
    if (has_sound_server() && (run_player((const char *[]){"pw-play", path, NULL}) == 0 ||
                               run_player((const char *[]){"paplay", path, NULL}) == 0))
        return 0;
    if (has_sound_card() && run_player((const char *[]){"aplay", "-q", path, NULL}) == 0)
        return 0;
    return -1;
}
