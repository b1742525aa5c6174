"""One run of the peer for bench-decode.sh: MODEL THREADS TOKENS. Prints one JSON object."""

import json
import resource
import sys
import time

from llama_cpp import Llama

PROMPT = (
    "Write a Python module with a class `IntervalSet` that keeps half-open integer intervals, with methods to add, "
    "remove, union, intersect and iterate. Explain every method in detail before its code."
)
SYSTEM = "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."

model, threads, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
llama = Llama(model, n_ctx=2048, n_threads=threads, n_threads_batch=threads, n_gpu_layers=0, verbose=False)
text = (
    f"<|im_start|>system\n{SYSTEM}<|im_end|>\n<|im_start|>user\n{PROMPT}<|im_end|>\n<|im_start|>assistant\n"
)
prompt = llama.tokenize(text.encode(), add_bos=False, special=True)
started = time.perf_counter()
times = []
for _ in llama.generate(prompt, temp=0.0, top_k=1, repeat_penalty=1.0):
    times.append(time.perf_counter())
    if len(times) == count:
        break
print(
    json.dumps(
        {
            "prompt_tokens": len(prompt),
            "prefill_tokens_per_s": round(len(prompt) / (times[0] - started), 1),
            "completion_tokens": len(times),
            "decode_tokens_per_s": round((len(times) - 1) / (times[-1] - times[0]), 2),
            "peak_rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        }
    )
)
