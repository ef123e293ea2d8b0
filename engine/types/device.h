// What a model can run on, for the window's rooms: see result.h beside this.
#pragma once

#include "kernels/device.h"
