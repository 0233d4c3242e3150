#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every type that ggml has is known by the name, the elements and the bytes of a block that ggml
# itself gives; and none that it has not.
. "$(dirname "$0")/lib.sh"
need_module @node-llama-cpp/linux-x64
need_python
library=$(find "$module" -name 'libggml-base.so*' | sort | head -n 1)
[ -n "$library" ] || skip_ "there is no libggml-base.so in '$module'"

# One file a type: two rows of three blocks.
cat > ggml-table.py <<'END'
import ctypes, struct, sys
ggml = ctypes.CDLL(sys.argv[1])
ggml.ggml_type_name.restype = ctypes.c_char_p
ggml.ggml_type_size.restype = ctypes.c_size_t
ggml.ggml_blck_size.restype = ctypes.c_int64

def text(value):
    return struct.pack("<Q", len(value)) + value

# The number of types is that of the last one, which ggml does not tell; it has names up to there.
last = int(sys.argv[2])
for number in range(last + 1):
    size, elements = ggml.ggml_type_size(number), ggml.ggml_blck_size(number)
    name = ggml.ggml_type_name(number).decode().lower()
    file = b"GGUF" + struct.pack("<IQQ", 3, 1, 0) + text(b"w") + struct.pack(
        "<IQQIQ", 2, max(elements, 1) * 3, 2, number, 0)
    file += bytes(-len(file) % 32) + bytes((size * 6 + 31) // 32 * 32)
    open(f"{number}.gguf", "wb").write(file)
    print(number, name if size else "-", size * 6)
END
last=42
expect 0 python3 ggml-table.py "$library" $last
cp out types
while read -r number name size; do
  if [ "$name" = - ]; then
    expect 1 "$ADZE" show "$number.gguf"
    err_has "the type $number ("
    err_has "removed"
  else
    expect 0 "$ADZE" show "$number.gguf" --json
    json_is "$name" tensors 0 type
    json_is "$size" tensors 0 bytes
  fi
done < types
[ "$(wc -l < types)" = $((last + 1)) ] || fail "there should be $((last + 1)) types"
done_
