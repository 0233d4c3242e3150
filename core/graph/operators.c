/* SPDX-License-Identifier: Apache-2.0 */
#include "graph/operators.h"

#include <string.h>

#include "graph/infer.h"

static const adze_operator *const families[]
    = { adze_operators_math,  adze_operators_shape,   adze_operators_make,
        adze_operators_index, adze_operators_conv,    adze_operators_nn,
        adze_operators_image, adze_operators_control, adze_operators_other };

const adze_operator *
adze_operator_find (const char *domain, const char *name)
{
  /* The old name of ONNX's own domain. */
  if (strcmp (domain, "ai.onnx") == 0)
    domain = "";
  for (size_t family = 0; family < ADZE_COUNT_OF (families); family++)
    for (const adze_operator *at = families[family]; at->name; at++)
      if (strcmp (at->name, name) == 0 && strcmp (at->domain, domain) == 0)
        return at;
  return NULL;
}

const adze_operator *
adze_operator_at (size_t index)
{
  for (size_t family = 0; family < ADZE_COUNT_OF (families); family++)
    for (const adze_operator *at = families[family]; at->name; at++)
      if (index-- == 0)
        return at;
  return NULL;
}
