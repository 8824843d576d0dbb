"""UniPC (order 2, bh2, over flow sigmas) restated for any float type; diffusers' own class is what the numbers are made with."""

import math

import numpy
import torch
from diffusers import UniPCMultistepScheduler


def unipc(shift):
    """The sampler as Wan publishes it."""
    return UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=shift)


class DiffusersSampler:
    """One block's sampler in float32."""

    def __init__(self, steps, shift):
        self.scheduler = unipc(shift)
        self.scheduler.set_timesteps(steps)
        # Where the first two timesteps are the same whole number, the class would start at the second.
        self.scheduler.set_begin_index(0)
        self.timesteps = [int(t) for t in self.scheduler.timesteps]
        self.done = 0

    def step(self, sample, velocity):
        timestep = self.scheduler.timesteps[self.done]
        self.done += 1
        return self.scheduler.step(velocity, timestep, sample, return_dict=False)[0]


class RestatedSampler:
    """One block's sampler with every coefficient in float64."""

    def __init__(self, steps, shift):
        unshifted = numpy.linspace(1, 1 / 1000, steps + 1)[:-1].tolist()
        levels = [shift * u / (1 + (shift - 1) * u) for u in unshifted]
        if abs(levels[0] - 1) < 1e-6:
            levels[0] -= 1e-6
        self.timesteps = [int(1000 * level) for level in levels]
        self.sigmas = torch.tensor(levels + [0.0], dtype=torch.float32).double().tolist()
        self.steps, self.done, self.order, self.last, self.estimates = steps, 0, 0, None, []

    def step(self, sample, velocity):
        i, sigmas = self.done, self.sigmas
        now = sample - sigmas[i] * velocity
        if i > 0:
            sample = self._corrected(i, now)
        self.order = min(2, self.steps - i, i + 1)
        self.last, self.estimates, self.done = sample, [now, *self.estimates][:2], i + 1
        if sigmas[i + 1] == 0:
            return now
        h = _snr(sigmas[i + 1]) - _snr(sigmas[i])
        scale = (1 - sigmas[i + 1]) * math.expm1(-h)
        after = sigmas[i + 1] / sigmas[i] * sample - scale * now
        if self.order == 2:
            r = (_snr(sigmas[i - 1]) - _snr(sigmas[i])) / h
            after = after - scale / 2 * (self.estimates[1] - now) / r
        return after

    def _corrected(self, i, now):
        sigmas = self.sigmas
        h = _snr(sigmas[i]) - _snr(sigmas[i - 1])
        e = math.expm1(-h)
        scale = (1 - sigmas[i]) * e
        before = self.estimates[0]
        base = sigmas[i] / sigmas[i - 1] * self.last - scale * before
        if self.order == 1:
            return base - scale / 2 * (now - before)
        r = (_snr(sigmas[i - 2]) - _snr(sigmas[i - 1])) / h
        phi = e / -h - 1
        first, second = phi / e, 2 * (phi / -h - 0.5) / e
        rho1, rho2 = (first - second) / (1 - r), (second - r * first) / (1 - r)
        return base - scale * (rho1 * (self.estimates[1] - before) / r + rho2 * (now - before))


def _snr(sigma):
    """Half the logarithm of the signal-to-noise ratio."""
    return math.log(1 - sigma) - math.log(sigma)
