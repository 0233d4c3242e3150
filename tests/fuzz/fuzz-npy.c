/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as an array or an archive of arrays: a refusal with a reason, or columns that can be
 * read. */
#include "../../plugins/sources/npy/npy_array.c"
#include "../../plugins/sources/npy/npy_header.c"
#define bad bad_zip
#define unpack unpack_zip
#include "../../plugins/sources/npy/npy_zip.c"
#undef bad
#undef unpack
#include "../../plugins/sources/npy/npy.c"

#include "../unit/source-host.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  own.file_count = 0;
  own_file ("path", data, size);
  own_try (NULL);
  own_try ("members=[\"x\"]\0");
  return 0;
}
