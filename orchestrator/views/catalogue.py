"""`/api/v1/models`: the catalogue and what operators do with it."""

from __future__ import annotations

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from altlas.kernel.validation import validated
from authgateway.authentication import user_of
from orchestrator import selectors, serializers, services
from orchestrator.schema import problems
from orchestrator.views.callers import operates
from orchestrator.views.inference import infer

_READ_OR_OPERATE = {"GET": "models:infer", "*": "models:operate"}


class ModelsView(APIView):
    required_scopes: ClassVar[dict[str, str]] = _READ_OR_OPERATE

    @extend_schema(operation_id="models_list", tags=["models"], responses=serializers.ModelsSerializer)
    def get(self, request: Request) -> Response:
        """All models with the names of their versions and aliases."""
        return Response({"results": serializers.ModelSerializer(selectors.model_list(), many=True).data})

    @extend_schema(
        operation_id="models_register",
        tags=["models"],
        request=serializers.RegistrationSerializer,
        responses={201: serializers.VersionSerializer, **problems(400, 403, 409, 422)},
    )
    def post(self, request: Request) -> Response:
        """Register a version of a model; its files are hashed where they lie.

        Nothing is uploaded. What a hub (`hf://`) has and this machine's cache has not is fetched before the answer.
        """
        body = serializers.RegistrationSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        row = services.model_register(**body.validated_data, owner=user_of(request))
        return Response(serializers.VersionSerializer(row).data, status=status.HTTP_201_CREATED)


class ModelView(APIView):
    required_scopes: ClassVar[dict[str, str]] = _READ_OR_OPERATE

    @extend_schema(
        operation_id="models_get", tags=["models"], responses={200: serializers.ModelSerializer, **problems(404)}
    )
    def get(self, request: Request, name: str) -> Response:
        return Response(serializers.ModelSerializer(selectors.model_get(name=name)).data)

    @extend_schema(
        operation_id="models_change",
        tags=["models"],
        request=serializers.ModelChangeSerializer,
        responses={200: serializers.ModelSerializer, **problems(400, 403, 404)},
    )
    def patch(self, request: Request, name: str) -> Response:
        """Change description, pin, replicas or version policy."""
        body = serializers.ModelChangeSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        services.model_change(name=name, changes=body.validated_data, actor=str(user_of(request)))
        return self.get(request, name)


class VersionsView(APIView):
    required_scopes: ClassVar[dict[str, str]] = _READ_OR_OPERATE

    @extend_schema(
        operation_id="models_versions",
        tags=["models"],
        responses={200: serializers.VersionsSerializer, **problems(404)},
    )
    def get(self, request: Request, name: str) -> Response:
        """The versions of a model, newest first."""
        rows = selectors.versions_of(name=name)
        shown = serializers.VersionSerializer(rows, many=True, context={"operator": operates(request)})
        return Response({"results": shown.data})


class AliasesView(APIView):
    required_scopes: ClassVar[dict[str, str]] = _READ_OR_OPERATE

    @extend_schema(
        operation_id="models_aliases", tags=["models"], responses={200: serializers.AliasesSerializer, **problems(404)}
    )
    def get(self, request: Request, name: str) -> Response:
        """The moving names of a model; weights split the traffic that names no version."""
        rows = selectors.model_get(name=name).aliases.all()
        return Response({"results": serializers.AliasSerializer(rows, many=True).data})

    @extend_schema(
        operation_id="models_alias_set",
        tags=["models"],
        request=serializers.AliasChangeSerializer,
        responses={200: serializers.AliasSerializer, **problems(400, 403, 404, 422, 503)},
    )
    def post(self, request: Request, name: str) -> Response:
        """Point an alias at a version, after that version has loaded and passed its warm-up."""
        body = serializers.AliasChangeSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        alias = services.alias_set(
            model=name,
            name=body.validated_data["name"],
            version=body.validated_data["version"],
            weight=body.validated_data["weight"],
            actor=str(user_of(request)),
        )
        return Response(serializers.AliasSerializer(alias).data)


class AliasView(APIView):
    required_scopes = "models:operate"

    @extend_schema(operation_id="models_alias_remove", tags=["models"], responses={204: None, **problems(403, 404)})
    def delete(self, request: Request, name: str, alias: str) -> Response:
        """Remove an alias; its share of the traffic goes to the version that takes the rest."""
        services.alias_remove(model=name, name=alias, actor=str(user_of(request)))
        return Response(status=status.HTTP_204_NO_CONTENT)


class VersionView(APIView):
    required_scopes: ClassVar[dict[str, str]] = _READ_OR_OPERATE

    @extend_schema(
        operation_id="models_version", tags=["models"], responses={200: serializers.VersionSerializer, **problems(404)}
    )
    def get(self, request: Request, name: str, version: str) -> Response:
        row = selectors.version_find(model=name, version=version)
        return Response(serializers.VersionSerializer(row, context={"operator": operates(request)}).data)

    @extend_schema(
        operation_id="models_version_retire", tags=["models"], responses={204: None, **problems(403, 404, 409)}
    )
    def delete(self, request: Request, name: str, version: str) -> Response:
        """Put a version away: unloaded, and offered no more. Its row stays."""
        services.version_retire(model=name, version=version, actor=str(user_of(request)))
        return Response(status=status.HTTP_204_NO_CONTENT)


class PromoteView(APIView):
    required_scopes = "models:operate"

    @extend_schema(
        operation_id="models_promote",
        tags=["models"],
        request=None,
        responses={200: serializers.VersionSerializer, **problems(400, 403, 404, 422, 503)},
    )
    def post(self, request: Request, name: str, version: str) -> Response:
        """Have a version take the traffic that names none, after it is loaded and warm wherever the model is."""
        row = services.version_promote(model=name, version=version, actor=str(user_of(request)))
        row.refresh_from_db()
        return Response(serializers.VersionSerializer(row).data)


class VariantsView(APIView):
    required_scopes: ClassVar[dict[str, str]] = _READ_OR_OPERATE

    @extend_schema(
        operation_id="models_variants",
        tags=["models"],
        responses={200: serializers.VariantsSerializer, **problems(404)},
    )
    def get(self, request: Request, name: str, version: str) -> Response:
        """Compiled variants with their agreement with torch and their times, by node."""
        row = selectors.version_find(model=name, version=version)
        return Response({"results": selectors.variant_rows(row)})

    @extend_schema(
        operation_id="models_variant_export",
        tags=["models"],
        request=serializers.VariantOrderSerializer,
        responses={202: serializers.VariantRequestedSerializer, **problems(400, 403, 404, 422, 503)},
    )
    def post(self, request: Request, name: str, version: str) -> Response:
        """Have every live node compile a variant from the version's own weights, in the background."""
        body = serializers.VariantOrderSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        nodes = services.variant_request(
            model=name, version=version, runtime=body.validated_data["runtime"], actor=str(user_of(request))
        )
        return Response({"nodes": nodes}, status=status.HTTP_202_ACCEPTED)


class RuntimeView(APIView):
    required_scopes = "models:operate"

    @extend_schema(
        operation_id="models_runtime",
        tags=["models"],
        request=serializers.RuntimeSerializer,
        responses={200: serializers.VersionSerializer, **problems(400, 403, 404)},
    )
    def put(self, request: Request, name: str, version: str) -> Response:
        """Choose what computes a version: torch, a compiled variant, or the faster one by node (`auto`)."""
        body = serializers.RuntimeSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        row = services.runtime_set(
            model=name, version=version, runtime=body.validated_data["runtime"], actor=str(user_of(request))
        )
        return Response(serializers.VersionSerializer(row).data)


class PinView(APIView):
    """``pinned`` is set by the route: `…/pin` or `…/unpin`."""

    required_scopes = "models:operate"
    pinned = True

    @extend_schema(
        operation_id="models_pin", tags=["models"], request=None, responses={204: None, **problems(403, 404, 503)}
    )
    def post(self, request: Request, name: str) -> Response:
        """Keep a model from being evicted, now and later."""
        services.model_pin(name=name, pinned=self.pinned, actor=str(user_of(request)))
        return Response(status=status.HTTP_204_NO_CONTENT)


class UnpinView(PinView):
    pinned = False

    @extend_schema(
        operation_id="models_unpin", tags=["models"], request=None, responses={204: None, **problems(403, 404, 503)}
    )
    def post(self, request: Request, name: str) -> Response:
        """Let a model be evicted again."""
        return super().post(request, name)


class ModelInferView(APIView):
    required_scopes = "models:infer"

    @extend_schema(
        operation_id="models_infer",
        tags=["models"],
        request=serializers.InferSerializer,
        responses={200: serializers.InferredSerializer, **problems(400, 404, 413, 422, 503, 504)},
    )
    def post(self, request: Request, name: str) -> Response:
        """Run a model of any task on texts, or on pairs of texts for a cross-encoder."""
        result = infer(model=name, **validated(serializers.InferSerializer, request.data))
        return Response(
            {
                "model": result.model,
                "version": result.version,
                "node": result.node,
                "outputs": result.outputs.tolist() if not result.values else list(result.values),
                "tokens": list(result.token_counts),
                "timings": result.timings,
            }
        )


class LoadView(APIView):
    required_scopes = "models:operate"

    @extend_schema(
        operation_id="models_load",
        tags=["models"],
        request=serializers.LoadOrderSerializer,
        responses={200: serializers.LoadedSerializer, 202: serializers.JobSerializer, **problems(403, 404, 422, 503)},
    )
    def post(self, request: Request, name: str) -> Response:
        """Load a version and answer when it is warm; at once, with the job, when `wait` is false."""
        body = serializers.LoadOrderSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        order = {"model": name, **body.validated_data, "actor": str(user_of(request))}
        if order.pop("wait"):
            return Response(services.version_load(**order))
        return Response(serializers.JobSerializer(services.job_request(**order)).data, status=status.HTTP_202_ACCEPTED)


class UnloadView(APIView):
    required_scopes = "models:operate"

    @extend_schema(
        operation_id="models_unload",
        tags=["models"],
        request=serializers.OrderSerializer,
        responses={200: serializers.UnloadedSerializer, **problems(403, 404, 503)},
    )
    def post(self, request: Request, name: str) -> Response:
        """Unload one version or all; requests under way finish first."""
        body = serializers.OrderSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        return Response(services.model_unload(model=name, **body.validated_data, actor=str(user_of(request))))
