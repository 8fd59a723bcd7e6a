/* See player.h. The desktop's sound server first, then ALSA. */
#include "cli/player.h"

#include "base/sound_device.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

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
    if (sound_server_there() && (run_player((const char *[]){"pw-play", path, NULL}) == 0 ||
                               run_player((const char *[]){"paplay", path, NULL}) == 0))
        return 0;
    if (sound_card_there() && run_player((const char *[]){"aplay", "-q", path, NULL}) == 0)
        return 0;
    return -1;
}
