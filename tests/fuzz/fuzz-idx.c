/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as images, alone and as their own labels: a refusal with a reason, or columns that can
 * be read. */
#include "../../plugins/sources/idx/idx_array.c"
#include "../../plugins/sources/idx/idx.c"
#include "../../plugins/sources/idx/idx_bits.c"

#include "../unit/source-host.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  own.file_count = 0;
  own_file ("images", data, size);
  own_try (NULL);
  own_try ("labels=images\0");
  return 0;
}
