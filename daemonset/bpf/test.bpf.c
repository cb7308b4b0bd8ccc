/* The same programs for BPF_PROG_TEST_RUN: tunnel metadata comes in by skb->cb, what would be sent is recorded. Never shipped. */
#include <stdbool.h>
#include <stddef.h>

#include "device-record.h"

#include "programs.h"
