"""The Open Inference Protocol's bodies, with the binary tensor extension: pure, no Django, no network.

Open Inference Protocol, REST (kserve/open-inference-protocol), and the extensions of Triton Inference Server's
HTTP protocol: binary tensor data, parameters, schedule policy.
"""
