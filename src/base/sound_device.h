/* Whether there is anything on this machine that sound could come out of. A player is only worth trying where there is:
 * without sound they fail slowly and loudly. */
#ifndef ISHOW_BASE_SOUND_DEVICE_H
#define ISHOW_BASE_SOUND_DEVICE_H

int sound_server_there(void); /* PulseAudio, or PipeWire in its place */
int sound_card_there(void);   /* ALSA's */

#endif
