"""serve.py MODEL.gguf PORT NAME: llama.cpp's own HTTP server, on 127.0.0.1 only, until it is ended by a signal.

LLM_THREADS (1) is how many processor threads it computes with.
"""

import os
import signal
import sys

import xllamacpp

# What the model was trained for; a prompt and its answer share it.
CONTEXT_TOKENS = 8192
# For requests without a bound of their own. A model this small does not always find the end of its answer, and the
# server writes on when whoever asked is gone (only a streamed answer ends then), while the next request waits.
ANSWER_TOKENS_MAX = 1024


def parameters(weights, port, name):
    """The server's settings: one request at a time, each answered alone."""
    threads = int(os.environ.get("LLM_THREADS", "1"))
    params = xllamacpp.CommonParams()
    params.hostnames = ["127.0.0.1"]
    params.port = port
    params.model.path = weights
    params.model_alias = {name}
    params.n_ctx = CONTEXT_TOKENS
    params.n_predict = ANSWER_TOKENS_MAX
    params.n_parallel = 1
    params.cpuparams.n_threads = threads
    params.cpuparams_batch.n_threads = threads
    params.use_jinja = True
    params.warmup = False
    params.ui = False
    # No store of prompts of the past: it would grow to gigabytes.
    params.cache_ram_mib = 0
    return params


def main():
    weights, port, name = sys.argv[1:]
    server = xllamacpp.Server(parameters(weights, int(port), name))
    print("listening at", server.listening_address, flush=True)
    signal.pause()


main()
