"""Runs the official Python clients against a gateway and prints what came of it as one line of JSON.

Environment: GATEWAY (origin), TOKEN, MODELS (JSON object: provider -> model name with its prefix).
"""

import asyncio
import json
import os

import anthropic
import openai

GATEWAY = os.environ["GATEWAY"]
TOKEN = os.environ["TOKEN"]
MODELS = json.loads(os.environ["MODELS"])
BOTH = "sandbox:parallel-tools Please ask both tools about Oslo."
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
NAMES = ["get_time", "get_weather"]

chat = openai.OpenAI(base_url=f"{GATEWAY}/v1", api_key=TOKEN, max_retries=0)
messages = anthropic.Anthropic(base_url=GATEWAY, api_key=TOKEN, max_retries=0)


def error_of(call):
    try:
        call()
    except Exception as error:  # The class is what is asked for.
        return {"class": type(error).__name__, "status": getattr(error, "status_code", None)}
    return None


def openai_run(model):
    hello = [{"role": "user", "content": "Hello"}]
    whole = chat.chat.completions.create(model=model, messages=hello)
    streamed, usage = "", None
    for chunk in chat.chat.completions.create(
        model=model, messages=hello, stream=True, stream_options={"include_usage": True}
    ):
        if chunk.choices:
            streamed += chunk.choices[0].delta.content or ""
        usage = chunk.usage or usage
    tools = [
        {"type": "function", "function": {"name": name, "parameters": SCHEMA}} for name in NAMES
    ]
    turns = [{"role": "user", "content": BOTH}]
    first = chat.chat.completions.create(model=model, messages=turns, tools=tools).choices[0]
    calls = first.message.tool_calls or []
    turns.append(first.message.model_dump(exclude_none=True))
    for call in calls:
        turns.append({"role": "tool", "tool_call_id": call.id, "content": f"{call.function.name}: fine"})
    second = chat.chat.completions.create(model=model, messages=turns, tools=tools).choices[0]
    response = chat.responses.create(model=model, input="Hello", store=False)
    return {
        "whole": whole.choices[0].message.content,
        "streamed": streamed,
        "usage": usage.completion_tokens if usage else None,
        "tools": sorted(call.function.name for call in calls),
        "arguments": [sorted(json.loads(call.function.arguments)) for call in calls],
        "after": second.message.content,
        "response": response.output_text,
        "error": error_of(
            lambda: chat.chat.completions.create(
                model=model, messages=[{"role": "user", "content": "sandbox:error-429"}]
            )
        ),
    }


def anthropic_run(model):
    hello = [{"role": "user", "content": "Hello"}]
    whole = messages.messages.create(model=model, max_tokens=2048, messages=hello)
    with messages.messages.stream(model=model, max_tokens=2048, messages=hello) as stream:
        streamed = "".join(stream.text_stream)
        usage = stream.get_final_message().usage.output_tokens
    tools = [{"name": name, "input_schema": SCHEMA} for name in NAMES]
    turns = [{"role": "user", "content": BOTH}]
    first = messages.messages.create(model=model, max_tokens=2048, messages=turns, tools=tools)
    calls = [block for block in first.content if block.type == "tool_use"]
    results = [
        {"type": "tool_result", "tool_use_id": call.id, "content": f"{call.name}: fine"} for call in calls
    ]
    turns += [{"role": "assistant", "content": first.content}, {"role": "user", "content": results}]
    second = messages.messages.create(model=model, max_tokens=2048, messages=turns, tools=tools)
    return {
        "whole": whole.content[0].text,
        "streamed": streamed,
        "usage": usage,
        "tools": sorted(call.name for call in calls),
        "arguments": [sorted(call.input) for call in calls],
        "after": second.content[0].text,
        "error": error_of(
            lambda: messages.messages.create(
                model=model, max_tokens=9, messages=[{"role": "user", "content": "sandbox:error-429"}]
            )
        ),
    }


async def abort(model):
    """An async stream that is left in the middle."""
    client = openai.AsyncOpenAI(base_url=f"{GATEWAY}/v1", api_key=TOKEN, max_retries=0)
    ask = [{"role": "user", "content": "sandbox:hostile-endless"}]
    stream = await client.chat.completions.create(model=model, messages=ask, stream=True)
    async for _ in stream:
        break
    await stream.close()
    await client.close()


def embed():
    model = "openai/text-embedding-3-small"
    packed = chat.embeddings.create(model=model, input=["one", "two"], dimensions=16)
    floats = chat.embeddings.create(
        model=model, input=["one", "two"], dimensions=16, encoding_format="float"
    )
    far = max(
        abs(a - b)
        for one, other in zip(packed.data, floats.data, strict=True)
        for a, b in zip(one.embedding, other.embedding, strict=True)
    )
    return {"count": len(packed.data), "dimensions": len(packed.data[0].embedding), "far": far}


def count_tokens(model):
    return messages.messages.count_tokens(
        model=model, messages=[{"role": "user", "content": "How long is this?"}]
    ).input_tokens


stranger = anthropic.Anthropic(base_url=GATEWAY, api_key="oky_nobody", max_retries=0)
found = {
    "openai": {provider: openai_run(model) for provider, model in MODELS.items()},
    "anthropic": {provider: anthropic_run(model) for provider, model in MODELS.items()},
    "embeddings": embed(),
    "count": count_tokens(MODELS["anthropic"]),
    "count_refused": error_of(lambda: count_tokens(MODELS["openai"])),
    "stranger": error_of(
        lambda: stranger.messages.create(
            model=MODELS["openai"], max_tokens=9, messages=[{"role": "user", "content": "Hi"}]
        )
    ),
    "models": {
        "openai": [model.id for model in chat.models.list()],
        "anthropic": [model.id for model in messages.models.list()],
    },
}
asyncio.run(abort(MODELS["openai"]))
print(json.dumps(found))
