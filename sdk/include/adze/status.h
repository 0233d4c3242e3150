/* SPDX-License-Identifier: Apache-2.0 */
/* adze/status.h: how something went. Tier: stable.
 *
 * A callback returns a status and, when it failed, leaves the reason with the host
 * (adze_fail in adze/error.h). A failure without a reason is reported as such, by name.
 */
#ifndef ADZE_STATUS_H
#define ADZE_STATUS_H

#include <adze/abi.h>

/* The numbers are part of the contract: they are never reused, only appended to. A reader that
 * meets one that it does not know treats it as ADZE_E_INTERNAL. */
typedef enum adze_status {
  ADZE_OK = 0,
  ADZE_E_MEMORY = 1,      /* an allocation failed */
  ADZE_E_PARAM = 2,       /* a parameter is missing, unknown, of the wrong type or out of range */
  ADZE_E_IO = 3,          /* the system refused to read, write or rename */
  ADZE_E_FORMAT = 4,      /* the input is malformed */
  ADZE_E_UNSUPPORTED = 5, /* well formed, but not something that can be done here */
  ADZE_E_NOT_FOUND = 6,   /* a file, symbol, component or service is not there */
  ADZE_E_ABI = 7,         /* host and plugin do not agree on the contract */
  ADZE_E_CONTRACT = 8,    /* one side broke a rule of the contract */
  ADZE_E_TRUST = 9,       /* digest, signature or policy forbids it */
  ADZE_E_DUPLICATE = 10,  /* the name is taken */
  ADZE_E_CRASHED = 11,    /* the process that did it died */
  ADZE_E_TIMEOUT = 12,    /* it did not answer in time */
  ADZE_E_LIMIT = 13,      /* a bound on size or count was exceeded */
  ADZE_E_CANCELLED = 14,  /* somebody asked to stop */
  ADZE_E_INTERNAL = 15    /* a fault of the one who reports it */
} adze_status;

#endif
