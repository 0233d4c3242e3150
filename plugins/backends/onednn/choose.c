/* SPDX-License-Identifier: Apache-2.0 */
/* choose.c: which of oneDNN's implementations does a work. It is the one that oneDNN puts first, but for
 * two exceptions that are told here. */
#include "onednn.h"

static const char *
name_of (const_dnnl_primitive_desc_t descriptor)
{
  const char *name = "";
  dnnl_primitive_desc_query (descriptor, dnnl_query_impl_info_str, 0, &name);
  return name;
}

/* The first that FITS takes the place of DESCRIPTOR, which stays where none does. */
static adze_status
prefer (const onednn_part *part, const void *description, const_dnnl_primitive_attr_t attributes,
        const_dnnl_primitive_desc_t hint, bool fits (const char *name),
        dnnl_primitive_desc_t *descriptor)
{
  dnnl_primitive_desc_iterator_t all;
  dnnl_primitive_desc_t one = NULL;
  dnnl_status_t status = dnnl_primitive_desc_iterator_create (&all, description, attributes,
                                                              part->self->engine, hint);
  while (status == dnnl_success) {
    one = dnnl_primitive_desc_iterator_fetch (all);
    if (!one || fits (name_of (one)))
      break;
    dnnl_primitive_desc_destroy (one);
    one = NULL;
    status = dnnl_primitive_desc_iterator_next (all);
  }
  dnnl_primitive_desc_iterator_destroy (all);
  if (status == dnnl_success && !one)
    status = dnnl_out_of_memory;
  if (one) {
    dnnl_primitive_desc_destroy (*descriptor);
    *descriptor = one;
  }
  return status == dnnl_iterator_ends ? ADZE_OK : onednn_checked (part, status, "a descriptor");
}

/* oneDNN 2.6 looks behind the end of the list of rows that its convolutions by tiles write. What lies
 * there decides whether they write to a row that is nowhere. */
static bool
is_sound (const char *name)
{
  return strncmp (name, "brgconv:", strlen ("brgconv:")) != 0 || !strstr (name, "_amx_");
}

adze_status
onednn_descriptor (const onednn_part *part, const void *description,
                   const_dnnl_primitive_attr_t attributes, const_dnnl_primitive_desc_t hint,
                   dnnl_primitive_desc_t *descriptor)
{
  if (!attributes)
    attributes = part->self->attributes;
  adze_status status = onednn_checked (part,
                                       dnnl_primitive_desc_create (descriptor, description, attributes,
                                                                   part->self->engine, hint),
                                       "a descriptor");
  if (status != ADZE_OK || is_sound (name_of (*descriptor)))
    return status;
  status = prefer (part, description, attributes, hint, is_sound, descriptor);
  if (status == ADZE_OK && !is_sound (name_of (*descriptor)))
    status = onednn_refuse (part, ADZE_E_UNSUPPORTED, "oneDNN has only %s for it, which is faulty",
                            name_of (*descriptor));
  if (status != ADZE_OK)
    dnnl_primitive_desc_destroy (*descriptor);
  return status;
}

static bool
is_gemm (const char *name)
{
  return strcmp (name, "gemm:jit") == 0;
}

/* With columns of A side by side, as in the gradients of weights, the implementation of products that
 * oneDNN 2.6 puts first turns A round, and the one by its gemm, which takes it as it lies, is faster by a
 * third. */
adze_status
onednn_prefer_gemm (const onednn_part *part, const dnnl_matmul_desc_t *description,
                    const_dnnl_primitive_attr_t attributes, dnnl_primitive_desc_t *descriptor)
{
  return prefer (part, description, attributes, NULL, is_gemm, descriptor);
}
