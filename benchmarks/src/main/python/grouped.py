"""Times the grouped expert kernels of PyTorch, as transformers calls them, on the weights and rows that the
benchmark `gpu` wrote; prints one JSON object a line. Needs no network.

    python3 grouped.py FILE ROUNDS ROWS...
"""

import json
import sys
import time


def main(path, rounds, counts):
    try:
        import torch
        import transformers
        from safetensors.torch import load_file
        from transformers import MixtralConfig
        from transformers.models.mixtral import modeling_mixtral as mixtral

        block_class = mixtral.MixtralSparseMoeBlock
    except (ImportError, AttributeError) as missing:
        print(json.dumps({"missing": str(missing)}))
        return
    tensors = load_file(path)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    up = tensors["up"]  # experts, inner, width
    experts, inner, width = up.shape
    config = MixtralConfig(
        hidden_size=width, intermediate_size=inner, num_local_experts=experts,
        num_experts_per_tok=int(tensors["k"].item()), hidden_act="silu",
    )
    config._experts_implementation = "grouped_mm"
    with torch.device("meta"):
        block = block_class(config)
    block = block.to_empty(device=device).to(torch.bfloat16).eval()
    if not hasattr(block.experts, "gate_up_proj"):
        print(json.dumps({"missing": "transformers " + transformers.__version__ + " has no grouped experts"}))
        return
    with torch.no_grad():
        block.gate.weight.copy_(tensors["router"])
        block.experts.gate_up_proj.copy_(torch.cat([tensors["gate"], up], dim=1))
        block.experts.down_proj.copy_(tensors["down"])
    head = tensors["head"].to(device).float()
    rows = tensors["rows"].to(device, torch.bfloat16)
    name = torch.cuda.get_device_name() if device == "cuda" else "cpu"
    print(json.dumps({"device": name, "torch": torch.__version__, "transformers": transformers.__version__}))
    for count in counts:
        x = rows[:count].unsqueeze(0)

        def run():
            with torch.no_grad():
                y = block(x)
            y = y[0] if isinstance(y, tuple) else y
            if device == "cuda":
                torch.cuda.synchronize()
            return y

        logits = (x.float() + run().float()).reshape(count, width) @ head.T
        for _ in range(3):
            run()
        nanos = []
        for _ in range(rounds):
            start = time.perf_counter_ns()
            run()
            nanos.append(time.perf_counter_ns() - start)
        print(json.dumps({"rows": count, "nanos": nanos, "logits": logits.reshape(-1).tolist()}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), [int(each) for each in sys.argv[3:]])
