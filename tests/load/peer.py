"""The nearest peer that installs without fetching a model: ovos-tts-server (PyPI), which has OpenAI's route, over espeak-ng.
Usage: PYTHON peer.py PORT VOICE, with an interpreter that has ovos-tts-server 1.13.

Its espeak-ng plugin has not kept up with its plugin manager, so these few lines stand in for it; everything else is
its own."""
import subprocess
import sys

import ovos_tts_server
import uvicorn
from ovos_plugin_manager.templates.tts import TTS


class Espeak(TTS):
    def get_tts(self, sentence, wav_file, **_):
        subprocess.run(["espeak-ng", "-v", sys.argv[2], "-w", wav_file, "--", sentence], check=True)
        return wav_file, None


ovos_tts_server.load_tts_plugin = lambda name: Espeak
app, _ = ovos_tts_server.start_tts_server("espeak")
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False)
