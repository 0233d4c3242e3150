/* SPDX-License-Identifier: Apache-2.0 */
/* adze/draft/traits.h: what is true of a tensor and should stay true. Tier: draft.
 *
 * A trait is an id and a JSON object. It lies in the model's file as metadata under the key
 * "adze.traits", so that it survives between runs. Ids are open: the host keeps those that it does
 * not know as long as the tensor's bytes stay the same, and verifies these four while the tensors
 * stream out.
 *
 * Three of them are about places: which elements are zero, which are neighbours, which stay. A
 * tensor of another shape has other places, and is made without them: the user is warned that they
 * are lost, as where .breaks lists them (where adze.frozen/1 must be listed), and a technique that
 * has one in .preserves is refused, unless another output of the group has the shape of the first
 * input, or set_trait says of the tensor itself that it has the trait or has it not. Where the bytes
 * are left alone (same_bytes of a group) only rows can have become others, and only adze.nm/1 is
 * lost with them. The codebook is about values alone and stays whatever the shape.
 */
#ifndef ADZE_DRAFT_TRAITS_H
#define ADZE_DRAFT_TRAITS_H

#include <adze/abi.h>

/* {}: what is zero stays zero. About places. */
#define ADZE_TRAIT_SPARSITY "adze.sparsity/1"
/* {"n": 2, "m": 4}: of m neighbours in a row at most n are not zero; a row is all behind the first dimension, as a
 * convolution takes it, and a vector is one. About places. */
#define ADZE_TRAIT_NM "adze.nm/1"
/* {"k": 16}: at most k different values in the tensor. About values. */
#define ADZE_TRAIT_CODEBOOK "adze.codebook/1"
/* {}: the bytes stay as they are. About places. */
#define ADZE_TRAIT_FROZEN "adze.frozen/1"

/* {"of": "fc.weight", "u": "fc.u.weight", "v": "fc.v.weight"}: the tensor and another one are factors: as matrices of
 * their first dimension and all others, u times v is what the tensor "of" was. About values; the host keeps it as any
 * that it does not know. */
#define ADZE_TRAIT_LOW_RANK "adze.low-rank/1"

#endif
