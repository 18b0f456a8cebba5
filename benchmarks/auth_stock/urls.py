from __future__ import annotations

from django.urls import path
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.views import (
    TokenBlacklistView,
    TokenObtainPairView,
    TokenRefreshView,
    TokenVerifyView,
)

from altlas.urls import urlpatterns as ours


class StockMe(APIView):
    authentication_classes = [JWTAuthentication]
    permission_classes = [IsAuthenticated]

    def get(self, request):
        return Response({"username": request.user.username})


urlpatterns = [
    *ours,
    path("stock/token", TokenObtainPairView.as_view()),
    path("stock/refresh", TokenRefreshView.as_view()),
    path("stock/verify", TokenVerifyView.as_view()),
    path("stock/blacklist", TokenBlacklistView.as_view()),
    path("stock/me", StockMe.as_view()),
]
