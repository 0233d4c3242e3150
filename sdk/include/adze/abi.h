/* SPDX-License-Identifier: Apache-2.0 */
/* adze/abi.h: which contract is this? Tier: stable.
 *
 * Two numbers describe the contract between a host and a plugin. They are not the version of the
 * package. The major changes when something that was promised breaks. The minor grows when
 * something is appended. docs/abi.md holds the promise and says how it is tested.
 */
#ifndef ADZE_ABI_H
#define ADZE_ABI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What these headers can describe at most. */
#define ADZE_ABI_MAJOR 0
#define ADZE_ABI_MINOR 1

/* The least minor that a plugin needs. A plugin that wants something newer says so before its
 * first include: #define ADZE_API_VERSION 2. The default is the first minor there ever was, so a
 * plugin that is rebuilt with newer headers keeps loading in older hosts. */
#ifndef ADZE_API_VERSION
#define ADZE_API_VERSION 1
#endif
#if ADZE_API_VERSION < 1 || ADZE_API_VERSION > ADZE_ABI_MINOR
#error "ADZE_API_VERSION asks for a minor that these headers do not have; install a newer adze SDK"
#endif

/* "ADZE" in the first four bytes of a descriptor, on a little-endian machine. */
#define ADZE_MAGIC UINT32_C (0x455a4441)

/* Every table that crosses the boundary begins with its own size. A reader copies
 * min(size there, size here) over zeros: what an older side does not have reads as NULL or 0, and
 * that is a documented default; what a newer side has beyond is not looked at. A size above this
 * bound is not a size. */
#define ADZE_STRUCT_SIZE_MAX 65536

#ifdef __cplusplus
#define ADZE_BEGIN_DECLS extern "C" {
#define ADZE_END_DECLS }
#else
#define ADZE_BEGIN_DECLS
#define ADZE_END_DECLS
#endif

#endif
