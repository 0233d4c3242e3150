/* SPDX-License-Identifier: Apache-2.0 */
/* dtypes.c: the types that the specification has. */
#include "safetensors.h"

static const safetensors_dtype dtypes[] = {
  { "BOOL", { ADZE_BOOL, 8, 1 } },
  { "F4", { ADZE_FLOAT4_E2M1FN, 4, 1 } },
  { "F6_E2M3", { ADZE_FLOAT6_E2M3FN, 6, 1 } },
  { "F6_E3M2", { ADZE_FLOAT6_E3M2FN, 6, 1 } },
  { "U8", { ADZE_UINT, 8, 1 } },
  { "I8", { ADZE_INT, 8, 1 } },
  { "F8_E5M2", { ADZE_FLOAT8_E5M2, 8, 1 } },
  { "F8_E4M3", { ADZE_FLOAT8_E4M3FN, 8, 1 } },
  { "F8_E8M0", { ADZE_FLOAT8_E8M0FNU, 8, 1 } },
  { "F8_E4M3FNUZ", { ADZE_FLOAT8_E4M3FNUZ, 8, 1 } },
  { "F8_E5M2FNUZ", { ADZE_FLOAT8_E5M2FNUZ, 8, 1 } },
  { "I16", { ADZE_INT, 16, 1 } },
  { "U16", { ADZE_UINT, 16, 1 } },
  { "F16", { ADZE_FLOAT, 16, 1 } },
  { "BF16", { ADZE_BFLOAT, 16, 1 } },
  { "I32", { ADZE_INT, 32, 1 } },
  { "U32", { ADZE_UINT, 32, 1 } },
  { "F32", { ADZE_FLOAT, 32, 1 } },
  { "C64", { ADZE_COMPLEX, 64, 1 } },
  { "F64", { ADZE_FLOAT, 64, 1 } },
  { "I64", { ADZE_INT, 64, 1 } },
  { "U64", { ADZE_UINT, 64, 1 } },
};

#define COUNT (sizeof dtypes / sizeof dtypes[0])

const safetensors_dtype *
safetensors_dtype_named (adze_text name)
{
  for (size_t i = 0; i < COUNT; i++)
    if (safetensors_text_is (name, dtypes[i].name))
      return &dtypes[i];
  return NULL;
}

bool
safetensors_whole_bytes (adze_dtype dtype, uint32_t rank, const int64_t *shape)
{
  /* Only the lowest three bits matter, and they come out right however large the product is. */
  uint64_t bits = dtype.bits;
  for (uint32_t i = 0; i < rank; i++)
    bits *= (uint64_t)shape[i];
  return bits % 8 == 0;
}

static bool
same (adze_dtype a, adze_dtype b)
{
  return a.code == b.code && a.bits == b.bits && a.lanes == b.lanes;
}

adze_status
safetensors_dtype_of (const adze_host *host, const adze_tensor_meta *meta,
                      const safetensors_dtype **dtype)
{
  char shown[SAFETENSORS_SHOWN];
  safetensors_shown (meta->name, strlen (meta->name), shown);
  for (size_t i = 0; i < COUNT; i++)
    if (same (dtypes[i].dtype, meta->dtype)) {
      *dtype = &dtypes[i];
      if (safetensors_whole_bytes (meta->dtype, (uint32_t)meta->rank, meta->shape))
        return ADZE_OK;
      return adze_fail (host, ADZE_E_UNSUPPORTED,
                        "tensor '%s' does not end on a whole byte, as safetensors demands of "
                        "numbers of %u bits",
                        shown, meta->dtype.bits);
    }
  return adze_fail (host, ADZE_E_UNSUPPORTED,
                    "tensor '%s' has elements of %u bits of a type (number %u in DLPack) that "
                    "safetensors does not have",
                    shown, meta->dtype.bits, meta->dtype.code);
}
