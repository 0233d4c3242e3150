/* SPDX-License-Identifier: Apache-2.0 */
/* adze/draft/traits.h: what is true of a tensor and should stay true. Tier: draft.
 *
 * A trait is an id and a JSON object. It lies in the model's file as metadata under the key
 * "adze.traits", so that it survives between runs. Ids are open: the host keeps those that it does
 * not know as long as the tensor's bytes stay the same, and verifies these four while the tensors
 * stream out:
 */
#ifndef ADZE_DRAFT_TRAITS_H
#define ADZE_DRAFT_TRAITS_H

#include <adze/abi.h>

/* {}: what is zero stays zero. */
#define ADZE_TRAIT_SPARSITY "adze.sparsity/1"
/* {"n": 2, "m": 4}: of m neighbours in a row at most n are not zero. */
#define ADZE_TRAIT_NM "adze.nm/1"
/* {"k": 16}: at most k different values in the tensor. */
#define ADZE_TRAIT_CODEBOOK "adze.codebook/1"
/* {}: the bytes stay as they are. */
#define ADZE_TRAIT_FROZEN "adze.frozen/1"

#endif
